/*
 * replay.c - run a fuzz target over files and folders of inputs, in builds
 * without libFuzzer.
 *
 * SPDX-License-Identifier: ISC
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned long replayed;

static void
replay_file(const char *path)
{
	FILE *f;
	uint8_t *data;
	size_t n;
	struct stat st;

	if ((f = fopen(path, "rb")) == NULL || fstat(fileno(f), &st) != 0 ||
	    (data = malloc((size_t)st.st_size + 1)) == NULL) {
		perror(path);
		exit(1);
	}
	n = fread(data, 1, (size_t)st.st_size, f);
	fclose(f);
	(void)LLVMFuzzerTestOneInput(data, n);
	free(data);
	replayed++;
}

static void
replay(const char *path)
{
	char inner[4096];
	struct dirent *e;
	DIR *d;

	if ((d = opendir(path)) == NULL) {
		replay_file(path);
		return;
	}
	while ((e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		(void)snprintf(inner, sizeof(inner), "%s/%s", path, e->d_name);
		replay(inner);
	}
	closedir(d);
}

int
main(int argc, char **argv)
{
	int i;

	for (i = 1; i < argc; i++)
		if (argv[i][0] != '-')
			replay(argv[i]);
	printf("%lu inputs replayed\n", replayed);
	return replayed == 0;	/* an empty corpus is a mistake */
}
