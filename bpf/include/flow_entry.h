/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What an entry of a flow is, allowed or denied. */
#pragma once

#include "wire.h"

#define BYTES(b) ((b) * 0x0101010101010101ULL)

/* 0x80 for each byte of a word that is zero, and maybe for some above the lowest of them: Hacker's Delight, 6-1. */
static __always_inline u64 zero_bytes(u64 x)
{
	return (x - BYTES(1)) & ~x & BYTES(0x80);
}

/* The number of the lowest byte that is marked by its 0x80. */
static __always_inline u32 lowest_byte(u64 marks)
{
	return ((marks & -marks) >> 7) * 0x0001020304050607ULL >> 56;
}

/* A bucket's eight tags as one word, its `home` way's lowest. */
static __always_inline u64 tags_from(const u8 *way, u32 home)
{
	u64 tags = *(const u64 *)way;
	u32 shift = home * 8;

	return tags >> shift | tags << (-shift & 63);
}

static __always_inline u64 *words(struct flow_entry *e)
{
	return (u64 *)&e->key;
}

static __always_inline u32 *tag_dev(struct flow_entry *e)
{
	return (u32 *)&e->key.tag;
}

static __always_inline int flow_is(struct flow_entry *e, const u64 *key, u32 tag_dev_)
{
	const u64 *w = words(e);

	return w[4] == key[4] && w[1] == key[1] && w[3] == key[3] && *tag_dev(e) == tag_dev_ && w[0] == key[0] && w[2] == key[2];
}

static __always_inline void flow_key_set(struct flow_entry *e, const struct acl_query *q)
{
	u64 *w = words(e);

	w[0] = q->w[0];
	w[1] = q->w[1];
	w[2] = q->w[2];
	w[3] = q->w[3];
	w[4] = q->w[4];
	*tag_dev(e) = q->tag_dev;
}

static __always_inline void flow_count(struct flow_entry *e, u32 len, u64 tcp_flags, u32 now, u64 flags)
{
	e->packets++;
	e->bytes_flags = (e->bytes_flags + len) | tcp_flags << TCP_FLAGS_SHIFT | flags;
	e->last = now;
}
