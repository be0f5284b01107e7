/*
 * doctor_rights.c - may the helpers' user open FIDO tokens, and pcscd the readers
 * that are plugged in?  By the udev rule, and by the nodes as they are.
 *
 * SPDX-License-Identifier: ISC
 */
#include "client/doctor.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RIGHTS_NODES_MAX	256	/* nodes of a kind that are looked at */
#define RIGHTS_RULE		"70-tessera.rules"
#define RIGHTS_TRIGGER		"udevadm control --reload && udevadm trigger --action=change --subsystem-match="

/* --- the rule --- */

static void
rights_rule(struct doctor *d, const char *user)
{
	static const char *const folders[] = { "/etc/udev/rules.d", "/run/udev/rules.d",
		"/usr/local/lib/udev/rules.d", "/usr/lib/udev/rules.d", "/lib/udev/rules.d" };
	char path[PATH_MAX], text[8192], group[64];
	size_t i;

	if (access("/run/udev/control", F_OK) == -1 && access("/usr/bin/udevadm", F_OK) == -1 &&
	    access("/bin/udevadm", F_OK) == -1) {
		doctor_say(d, DOCTOR_SKIPPED, NULL, "this machine has no udev");
		return;
	}
	(void)snprintf(group, sizeof(group), "GROUP=\"%s\"", user);
	for (i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		(void)snprintf(path, sizeof(path), "%s/" RIGHTS_RULE, folders[i]);
		if (doctor_read(path, text, sizeof(text)) < 0)
			continue;
		if (strstr(text, group) == NULL)
			doctor_say(d, DOCTOR_WARNING, doctor_command(d, "sed s/tessera-dev/%s/ %s/" RIGHTS_RULE
			    " >/etc/udev/rules.d/" RIGHTS_RULE " && " RIGHTS_TRIGGER "hidraw", user, TESSERA_DOC),
			    "%s does not name the group %s", path, user);
		else
			doctor_say(d, DOCTOR_OK, NULL, "%s gives FIDO tokens to %s", path, user);
		return;
	}
	doctor_say(d, DOCTOR_WARNING, doctor_command(d, "install -m 0644 %s/" RIGHTS_RULE
	    " /usr/lib/udev/rules.d/ && " RIGHTS_TRIGGER "hidraw", TESSERA_DOC),
	    "no udev rule " RIGHTS_RULE " gives FIDO tokens to %s", user);
}

/* --- nodes of FIDO tokens --- */

/* udev's own record of the node says what it is. */
static int
rights_is_fido(const char *name)
{
	char path[PATH_MAX], dev[32], data[16384];

	(void)snprintf(path, sizeof(path), "/sys/class/hidraw/%s/dev", name);
	if (doctor_read(path, dev, sizeof(dev)) <= 0)
		return 0;
	dev[strcspn(dev, "\n")] = '\0';
	(void)snprintf(path, sizeof(path), "/run/udev/data/c%s", dev);
	return doctor_read(path, data, sizeof(data)) > 0 && strstr(data, "\nE:ID_FIDO_TOKEN=1") != NULL;
}

static void
rights_hidraw(struct doctor *d, const struct passwd *pw)
{
	const struct dirent *e;
	char path[PATH_MAX];
	struct stat st;
	int n = 0;
	DIR *dir;

	if ((dir = opendir("/sys/class/hidraw")) == NULL)
		return;
	while (n++ < RIGHTS_NODES_MAX && (e = readdir(dir)) != NULL) {
		(void)snprintf(path, sizeof(path), "/dev/%s", e->d_name);
		if (e->d_name[0] == '.' || !rights_is_fido(e->d_name) || stat(path, &st) == -1)
			continue;
		if (doctor_may(&st, pw, S_IROTH | S_IWOTH))
			doctor_say(d, DOCTOR_OK, NULL, "%s may use the FIDO token %s", pw->pw_name, path);
		else
			doctor_say(d, DOCTOR_FAILURE, RIGHTS_TRIGGER "hidraw",
			    "%s may not use the FIDO token %s", pw->pw_name, path);
	}
	(void)closedir(dir);
}

/* --- readers on the bus --- */

/* Who runs pcscd: whoever listens; where that is root it may be the service manager
 * in his place, and the process counts that is there.  NULL: there is none yet. */
static const struct passwd *
rights_pcscd(const struct doctor *d)
{
	const struct passwd *found = NULL;
	const struct dirent *e;
	char path[300], name[32];
	struct ucred who;
	struct stat st;
	DIR *dir;

	if (doctor_connect(d->pcscd, &who) == 0 && who.uid != 0)
		return getpwuid(who.uid);
	if ((dir = opendir("/proc")) == NULL)
		return NULL;
	while (found == NULL && (e = readdir(dir)) != NULL) {
		if (e->d_name[strspn(e->d_name, "0123456789")] != '\0')
			continue;
		(void)snprintf(path, sizeof(path), "/proc/%s/comm", e->d_name);
		if (doctor_read(path, name, sizeof(name)) <= 0 || strcmp(name, "pcscd\n") != 0)
			continue;
		(void)snprintf(path, sizeof(path), "/proc/%s", e->d_name);
		if (stat(path, &st) == 0)
			found = getpwuid(st.st_uid);
	}
	(void)closedir(dir);
	return found;
}

static int
rights_number(const char *device, const char *name)
{
	char path[PATH_MAX], text[32];

	(void)snprintf(path, sizeof(path), "/sys/bus/usb/devices/%s/%s", device, name);
	return doctor_read(path, text, sizeof(text)) > 0 ? (int)strtol(text, NULL, 10) : -1;
}

/* interface is "1-2:1.0", of the device "1-2". */
static void
rights_reader(struct doctor *d, const char *interface)
{
	const struct passwd *pw = rights_pcscd(d);
	char device[64], node[64];
	struct stat st;

	(void)snprintf(device, sizeof(device), "%.*s", (int)strcspn(interface, ":"), interface);
	(void)snprintf(node, sizeof(node), "/dev/bus/usb/%03d/%03d", rights_number(device, "busnum"),
	    rights_number(device, "devnum"));
	if (pw == NULL || stat(node, &st) == -1)
		doctor_say(d, DOCTOR_OK, NULL, "a reader is plugged in at %s", node);
	else if (doctor_may(&st, pw, S_IROTH | S_IWOTH))
		doctor_say(d, DOCTOR_OK, NULL, "pcscd (user %s) may use the reader %s", pw->pw_name, node);
	else
		doctor_say(d, DOCTOR_FAILURE, RIGHTS_TRIGGER "usb", "pcscd runs as %s, who may not use the reader %s",
		    pw->pw_name, node);
}

static void
rights_usb(struct doctor *d)
{
	const struct dirent *e;
	char path[PATH_MAX], class[16];
	int n = 0;
	DIR *dir;

	if ((dir = opendir("/sys/bus/usb/devices")) == NULL)
		return;
	while (n++ < RIGHTS_NODES_MAX && (e = readdir(dir)) != NULL) {
		(void)snprintf(path, sizeof(path), "/sys/bus/usb/devices/%s/bInterfaceClass", e->d_name);
		if (doctor_read(path, class, sizeof(class)) > 0 && strcmp(class, "0b\n") == 0)
			rights_reader(d, e->d_name);
	}
	(void)closedir(dir);
}

void
doctor_rights(struct doctor *d)
{
	const struct passwd *pw = getpwnam(doctor_device_user(d));

	if (d->mode == CONFIG_SYSTEM)
		rights_rule(d, doctor_device_user(d));
	if (pw != NULL)
		rights_hidraw(d, pw);
	if (d->pcscd[0] != '\0')
		rights_usb(d);
	if (d->mode == CONFIG_USER)
		doctor_say(d, DOCTOR_SKIPPED, NULL, "in user mode devices are for who sits at the machine");
}
