/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * The ABI of the file read hook, for programs that cannot use the patched <linux/bpf.h>.
 *
 * The numbers are those of BASE; another base may give others. scripts/build refuses to build a tree that they do
 * not fit, and a running kernel has the enumerators in its BTF. The attach type must be given at load time too, so
 * that loading a program fails with EINVAL in a kernel where the numbers mean something else, or nothing.
 */
#ifndef WEIR_FILE_READ_H
#define WEIR_FILE_READ_H

#include <linux/types.h>

#define WEIR_BPF_PROG_TYPE_FILE_READ 33
#define WEIR_BPF_FILE_READ 57 /* attach type */
#define WEIR_BPF_LINK_TYPE_FILE_READ 15

/* Largest window; a power of two. */
#define WEIR_FILE_READ_WINDOW_MAX 32768

/* Return values of a program. WEIR_FILE_READ_STOP + n ends the read after n bytes of the window, 0 <= n <= len. */
#define WEIR_FILE_READ_PASS 0
#define WEIR_FILE_READ_CONSUME 1
#define WEIR_FILE_READ_STOP 2

/* The context of a program: read-only, each field read with one 8-byte load. */
struct weir_file_read {
	__u64 data;     /* offset 0, packet pointer */
	__u64 data_end; /* offset 8, packet end */
	__u64 pos;      /* offset 16, file offset of data */
	__u64 size;     /* offset 24, size of the file */
	__u64 cookie;   /* offset 32, of the link */
	__u64 len;      /* offset 40, data_end - data */
};

/* The part of union bpf_attr that BPF_LINK_CREATE (command 28) takes. */
struct weir_file_read_link_create {
	__u32 prog_fd;
	__u32 target_fd;
	__u32 attach_type;
	__u32 flags; /* 0 */
	__u64 cookie;
};

#ifdef WEIR_FILE_READ_CHECK
#include <stddef.h>
#define WEIR_SAME(a, b) _Static_assert((a) == (b), #a " is not " #b)
WEIR_SAME(WEIR_BPF_PROG_TYPE_FILE_READ, BPF_PROG_TYPE_FILE_READ);
WEIR_SAME(WEIR_BPF_FILE_READ, BPF_FILE_READ);
WEIR_SAME(WEIR_BPF_LINK_TYPE_FILE_READ, BPF_LINK_TYPE_FILE_READ);
WEIR_SAME(WEIR_FILE_READ_WINDOW_MAX, BPF_FILE_READ_WINDOW_MAX);
WEIR_SAME(WEIR_FILE_READ_PASS, BPF_FILE_READ_PASS);
WEIR_SAME(WEIR_FILE_READ_CONSUME, BPF_FILE_READ_CONSUME);
WEIR_SAME(WEIR_FILE_READ_STOP, BPF_FILE_READ_STOP);
WEIR_SAME(sizeof(struct weir_file_read), sizeof(struct bpf_file_read));
WEIR_SAME(offsetof(struct weir_file_read, data_end), offsetof(struct bpf_file_read, data_end));
WEIR_SAME(offsetof(struct weir_file_read, pos), offsetof(struct bpf_file_read, pos));
WEIR_SAME(offsetof(struct weir_file_read, size), offsetof(struct bpf_file_read, size));
WEIR_SAME(offsetof(struct weir_file_read, cookie), offsetof(struct bpf_file_read, cookie));
WEIR_SAME(offsetof(struct weir_file_read, len), offsetof(struct bpf_file_read, len));
WEIR_SAME(offsetof(struct weir_file_read_link_create, target_fd), offsetof(union bpf_attr, link_create.target_fd));
WEIR_SAME(offsetof(struct weir_file_read_link_create, attach_type), offsetof(union bpf_attr, link_create.attach_type));
WEIR_SAME(offsetof(struct weir_file_read_link_create, flags), offsetof(union bpf_attr, link_create.flags));
WEIR_SAME(offsetof(struct weir_file_read_link_create, cookie),
	  offsetof(union bpf_attr, link_create.file_read.cookie));
WEIR_SAME(28, BPF_LINK_CREATE);
#endif

#endif
