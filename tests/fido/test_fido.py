# SPDX-License-Identifier: ISC
"""tessera-fido with the packaged libfido2, its sandbox on, and virtual keys."""
import os
import struct
import subprocess
import sys
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "e2e"), HERE]

import frames			# noqa: E402
from frames import CODES, Helper, Refused, assertion, credential, make	# noqa: E402
from process import until	# noqa: E402
from bench import Bench	# noqa: E402


class Operations(unittest.TestCase):
    def test_list(self):
        with Bench(2) as bench:
            keys = [v for n, v in bench.ask("list") if n == "key"]
            self.assertEqual(len(keys), 2)
            print(keys)
            bench.gone()


if __name__ == "__main__":
    unittest.main(verbosity=2)
