// SPDX-License-Identifier: GPL-2.0
/*
 * What a read of 4 KiB of cached data costs, and opening and closing a file, in each directory of the command line:
 * the least of many rounds. No program is attached. See scripts/cost.
 */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096
#define PAGES 64
#define ROUNDS 200

static long now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000 + t.tv_nsec;
}

static void read_pages(int fd, const char *path)
{
	static char page[PAGE];

	(void)path;
	for (int i = 0; i < PAGES; i++)
		if (pread(fd, page, PAGE, (off_t)i * PAGE) != PAGE)
			err(1, "pread");
}

static void open_and_close(int fd, const char *path)
{
	(void)fd;
	for (int i = 0; i < PAGES; i++)
		close(open(path, O_RDONLY));
}

/* Per call, in hundredths. */
static long least(void (*measured)(int, const char *), int fd, const char *path)
{
	long least = -1;

	for (int i = 0; i < ROUNDS; i++) {
		long from = now(), took;

		measured(fd, path);
		took = now() - from;
		if (least < 0 || took < least)
			least = took;
	}
	return least * 100 / PAGES;
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		static const char page[PAGE] = "data";
		char path[4096];
		long cost;
		int fd;

		snprintf(path, sizeof(path), "%s/cost", argv[i]);
		fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
		if (fd < 0)
			err(1, "%s", path);
		for (int j = 0; j < PAGES; j++)
			if (write(fd, page, PAGE) != PAGE)
				err(1, "write");
		fsync(fd);
		cost = least(read_pages, fd, path);
		printf("%s read %ld.%02ld\n", argv[i], cost / 100, cost % 100);
		cost = least(open_and_close, fd, path);
		printf("%s open %ld.%02ld\n", argv[i], cost / 100, cost % 100);
		close(fd);
		unlink(path);
	}
	return 0;
}
