# SPDX-License-Identifier: ISC
"""Programs that test_key.py starts beside virtual keys, in their world."""

# Prints what libudev's own monitor says of hidraw devices.
MONITOR = """
import ctypes, select
u = ctypes.CDLL("libudev.so.1")
for f in ("udev_new", "udev_monitor_new_from_netlink", "udev_monitor_receive_device"):
    getattr(u, f).restype = ctypes.c_void_p
for f in ("udev_device_get_action", "udev_device_get_devnode"):
    getattr(u, f).restype = ctypes.c_char_p
p = ctypes.c_void_p
m = p(u.udev_monitor_new_from_netlink(p(u.udev_new()), b"udev"))
u.udev_monitor_filter_add_match_subsystem_devtype(m, b"hidraw", None)
u.udev_monitor_enable_receiving(m)
print("listening")
while True:
    select.select([u.udev_monitor_get_fd(m)], [], [])
    d = u.udev_monitor_receive_device(m)
    if d:
        print(u.udev_device_get_action(p(d)).decode(), u.udev_device_get_devnode(p(d)).decode())
"""

# Sends PINGs of 6,000 bytes and reads the answers slowly: far more than a pty keeps.
PING = r"""
import os, time
f = os.open("/dev/hidraw0", os.O_RDWR)
os.write(f, bytes([0]) + b"\xff" * 4 + b"\x86\0\x08" + b"nonce123" + bytes(49))
r = os.read(f, 64)
c = r[15:19]
for turn in range(30):
    want = os.urandom(6000)
    os.write(f, bytes([0]) + c + bytes([0x81, 6000 >> 8, 6000 & 255]) + want[:57])
    for i in range(101):
        os.write(f, (bytes([0]) + c + bytes([i]) + want[57 + 59 * i:57 + 59 * (i + 1)]).ljust(65, b"\0"))
    time.sleep(turn / 500)
    got, n = b"", 0
    while len(got) < 6000:
        r = os.read(f, 64)
        assert len(r) == 64, (turn, n, len(r))
        got += r[7:] if n == 0 else r[5:]
        n += 1
    assert got[:6000] == want
print("same")
"""
