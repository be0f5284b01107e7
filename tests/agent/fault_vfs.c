/*
 * fault_vfs.c - see fault_vfs.h.
 *
 * Files have version 1 methods, without shared memory: it also shows that the
 * store needs none.
 *
 * SPDX-License-Identifier: ISC
 */
#include "fault_vfs.h"

#include <sqlite3.h>
#include <string.h>

struct file {
	sqlite3_file base;
	sqlite3_file *real;	/* in the memory after this struct */
};

static sqlite3_vfs vfs;
static sqlite3_vfs *under;
static struct {
	unsigned ops, n, calls, hits;
	int all, rc;
} plan;

void
fault_arm(unsigned ops, unsigned n, int all, int rc)
{
	plan.ops = ops;
	plan.n = n;
	plan.all = all;
	plan.rc = rc;
	plan.calls = plan.hits = 0;
}

void
fault_disarm(void)
{
	plan.ops = 0;
}

unsigned
fault_hits(void)
{
	return plan.hits;
}

unsigned
fault_calls(void)
{
	return plan.calls;
}

static int
due(unsigned op)
{
	if ((plan.ops & op) == 0)
		return 0;
	plan.calls++;
	if (plan.n == 0 || plan.calls < plan.n || (plan.calls > plan.n && !plan.all))
		return 0;
	plan.hits++;
	return 1;
}

static sqlite3_file *
real(sqlite3_file *f)
{
	return ((struct file *)(void *)f)->real;
}

static int
do_close(sqlite3_file *f)
{
	return real(f)->pMethods->xClose(real(f));
}

static int
do_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at)
{
	return real(f)->pMethods->xRead(real(f), p, n, at);
}

/* A write that fails has written its first half. */
static int
do_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
	if (due(FAULT_WRITE)) {
		(void)real(f)->pMethods->xWrite(real(f), p, n / 2, at);
		return plan.rc;
	}
	return real(f)->pMethods->xWrite(real(f), p, n, at);
}

static int
do_truncate(sqlite3_file *f, sqlite3_int64 n)
{
	return due(FAULT_TRUNCATE) ? plan.rc : real(f)->pMethods->xTruncate(real(f), n);
}

static int
do_sync(sqlite3_file *f, int flags)
{
	return due(FAULT_SYNC) ? plan.rc : real(f)->pMethods->xSync(real(f), flags);
}

static int
do_size(sqlite3_file *f, sqlite3_int64 *n)
{
	return real(f)->pMethods->xFileSize(real(f), n);
}

static int
do_lock(sqlite3_file *f, int level)
{
	return real(f)->pMethods->xLock(real(f), level);
}

static int
do_unlock(sqlite3_file *f, int level)
{
	return real(f)->pMethods->xUnlock(real(f), level);
}

static int
do_reserved(sqlite3_file *f, int *out)
{
	return real(f)->pMethods->xCheckReservedLock(real(f), out);
}

static int
do_control(sqlite3_file *f, int op, void *arg)
{
	return real(f)->pMethods->xFileControl(real(f), op, arg);
}

static int
do_sector(sqlite3_file *f)
{
	return real(f)->pMethods->xSectorSize(real(f));
}

static int
do_device(sqlite3_file *f)
{
	return real(f)->pMethods->xDeviceCharacteristics(real(f));
}

static const sqlite3_io_methods methods = {
	.iVersion = 1,
	.xClose = do_close,
	.xRead = do_read,
	.xWrite = do_write,
	.xTruncate = do_truncate,
	.xSync = do_sync,
	.xFileSize = do_size,
	.xLock = do_lock,
	.xUnlock = do_unlock,
	.xCheckReservedLock = do_reserved,
	.xFileControl = do_control,
	.xSectorSize = do_sector,
	.xDeviceCharacteristics = do_device,
};

static int
do_open(sqlite3_vfs *v, const char *name, sqlite3_file *f, int flags, int *out)
{
	struct file *file = (struct file *)(void *)f;
	int rc;

	(void)v;
	file->base.pMethods = NULL;
	if (due(FAULT_OPEN))
		return plan.rc;
	file->real = (sqlite3_file *)(void *)(file + 1);
	memset(file->real, 0, (size_t)under->szOsFile);
	if ((rc = under->xOpen(under, name, file->real, flags, out)) == SQLITE_OK)
		file->base.pMethods = &methods;
	return rc;
}

void
fault_install(void)
{
	if (under != NULL)
		return;
	under = sqlite3_vfs_find(NULL);
	vfs = *under;
	vfs.zName = "fault";
	vfs.szOsFile = (int)sizeof(struct file) + under->szOsFile;
	vfs.xOpen = do_open;
	sqlite3_vfs_register(&vfs, 1);
}
