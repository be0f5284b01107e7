# SPDX-License-Identifier: ISC
"""The bench's table: rows, their goals, and whether these are met."""
import os

SLACK = 0.8			# of a goal, in the short form
HEAD = ("item", "ours", "beside it", "result", "goal", "")
WIDTH = (46, 20, 34, 10, 22, 6)


class Goal:
    """limit is at least (">=") or at most ("<=") to be reached.  must: the run
    fails otherwise; "later" goals are printed only.  moot: why the figure says
    nothing this time."""

    def __init__(self, sense, limit, must=True, unit="", moot=None):
        self.sense, self.limit, self.must, self.unit = sense, limit, must, unit
        self.moot = moot

    def met(self, value, slack=1.0):
        if self.sense == ">=":
            return value >= self.limit * slack
        return value <= self.limit / slack

    def __str__(self):
        text = "%s %g%s" % (self.sense, self.limit, self.unit)
        return ("must be " if self.must else "later ") + text


class Row:
    """One line: what, our figure and the other one as text, the result that the
    goal speaks of, the goal or None."""

    def __init__(self, item, ours, other, value=None, goal=None):
        self.item, self.ours, self.other = item, ours, other
        self.value, self.goal = value, goal


class Table:
    def __init__(self, short):
        self.short, self.failed = short, []
        self.line(HEAD)

    @staticmethod
    def line(cells):
        print("".join(str(c).ljust(w) for c, w in zip(cells, WIDTH)).rstrip(), flush=True)

    def good(self, row):
        if row.goal is None or not row.goal.must:
            return True
        return row.goal.met(row.value, SLACK if self.short else 1.0)

    def met(self, rows):
        """Nothing is gained by measuring again."""
        return self.missed(rows) == 0

    def missed(self, rows):
        return sum(not self.good(r) for r in rows)

    def better(self, old, new):
        """Of two measurements of an item, the one that misses fewer goals."""
        return new if not old or self.missed(new) < self.missed(old) else old

    def show(self, rows):
        for row in rows:
            verdict = ""
            if row.goal is not None and row.goal.must:
                verdict = "ok" if self.good(row) else row.goal.moot or "MISSED"
            elif row.goal is not None:
                verdict = "there" if row.goal.met(row.value) else "not yet"
            if verdict == "MISSED":
                self.failed.append(row.item)
            self.line((row.item, row.ours, row.other,
                       "" if row.value is None else "%.3g" % row.value,
                       row.goal or "", verdict))

    def end(self):
        print("\n%d CPUs, load %s%s" % (
            os.cpu_count(), " ".join("%.1f" % v for v in os.getloadavg()),
            "; goals at %g of their size" % SLACK if self.short else ""))
        for item in self.failed:
            print("missed: " + item)
        return 1 if self.failed else 0
