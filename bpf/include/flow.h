/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The flow table: per CPU, eight-way set-associative, in one mmapped array; user space reads it in place.
 * A CPU writes its own buckets only, so nothing is locked. A key has a home slot in its bucket, which is looked at first.
 * A newcomer takes an empty slot, then one that has seen a single packet, then the oldest; what it drives out is added to
 * the totals before, so that no packet is ever lost. */
#pragma once

#include "config.h"
#include "maps.h"
#include "packet.h"

#define PROBATION 0x10000000U /* added to the age of an entry with one packet: 31 days at HZ=100 */

static __always_inline u64 *words(struct flow_entry *e)
{
	return (u64 *)&e->key;
}

static __always_inline u32 *tag_dev(struct flow_entry *e)
{
	return (u32 *)&e->key.tag;
}

static __always_inline int flow_is(struct flow_entry *e, const struct packet *p)
{
	const u64 *w = words(e);

	return w[4] == p->w[4] && w[1] == p->w[1] && w[3] == p->w[3] && *tag_dev(e) == p->tag_dev && w[0] == p->w[0] &&
	       w[2] == p->w[2];
}

static __always_inline u64 flow_add(const struct packet *p)
{
	return p->len | (u64)p->tcp_flags << TCP_FLAGS_SHIFT;
}

/* Adds an entry's counts to the totals of its device and of its path. */
static __noinline int flow_fold(const struct flow_entry *e)
{
	u32 slot = e->key.dev, path = e->path;
	u32 out = e->key.tag & TAG_EGRESS;
	u64 bytes = e->bytes_flags & BYTES_MASK;
	struct dev_counters *d = bpf_map_lookup_elem(&ht_devices, &slot);
	struct counter *t = bpf_map_lookup_elem(&ht_paths, &path);

	if (!d || !t) {
		stat_add(STAT_LOOKUP_FAILED);
		return 0;
	}
	counter_add(&d->by[out ? DEV_FOLDED_OUT : DEV_FOLDED_IN], e->packets, bytes);
	if (e->bytes_flags & FLOW_FORWARDED)
		counter_add(&d->by[DEV_FOLDED_FWD], e->packets, bytes);
	counter_add(t, e->packets, bytes);
	return 0;
}

/* A counter is full or another generation decides now: fold under the old path, begin again under the new one. */
static __noinline int flow_renew(struct flow_entry *e, u32 gen, u32 path)
{
	int full = e->packets == 0xffffffff;

	if (full)
		stat_add(STAT_WRAPS);
	if (full || e->path != path) {
		flow_fold(e);
		e->packets = 0;
		e->bytes_flags &= ~BYTES_MASK;
		e->path = path;
	}
	e->gen = gen;
	return 0;
}

static __always_inline void flow_count(struct flow_entry *e, const struct packet *p, u32 gen, u32 now, u64 flags)
{
	if (unlikely(e->gen != (u16)gen || e->packets == 0xffffffff))
		flow_renew(e, gen, 0);
	e->packets++;
	e->bytes_flags = (e->bytes_flags + p->len) | (u64)p->tcp_flags << TCP_FLAGS_SHIFT | flags;
	e->last = now;
}

/* Older is better; a slot that has seen one packet is older than any other, an empty one older still. */
static __always_inline u32 flow_age(const struct flow_entry *e, u32 now)
{
	u32 age = now - e->last;

	if (!e->packets)
		return ~0U;
	if (age > PROBATION - 1)
		age = PROBATION - 1;
	return e->packets == 1 ? age + PROBATION : age;
}

static __always_inline struct flow_entry *flow_way(struct flow_bucket *b, u32 way)
{
	barrier_var(way);
	return &b->way[way & (FLOW_WAYS - 1)];
}

/* The key is not in its home slot: look at the others, else make room. */
static __noinline int flow_miss(struct flow_bucket *b, const struct packet *p, u32 gen, u64 flags)
{
	u32 now = bpf_jiffies64(), home = p->hash >> 61, oldest, age;
	struct flow_entry *e, *victim;

#pragma clang loop unroll(full)
	for (u32 i = 1; i < FLOW_WAYS; i++) {
		e = flow_way(b, home ^ i);
		if (flow_is(e, p)) {
			flow_count(e, p, gen, now, flags);
			return 0;
		}
	}
	victim = flow_way(b, home);
	oldest = flow_age(victim, now);
#pragma clang loop unroll(full)
	for (u32 i = 1; i < FLOW_WAYS; i++) {
		e = flow_way(b, home ^ i);
		age = flow_age(e, now);
		if (age > oldest) {
			oldest = age;
			victim = e;
		}
	}
	if (victim->packets) {
		flow_fold(victim);
		stat_add(STAT_EVICTIONS);
	}
	/* A reader that sees packets == 0 leaves the slot alone. */
	victim->packets = 0;
	barrier();
	u64 *w = words(victim);
	w[0] = p->w[0];
	w[1] = p->w[1];
	w[2] = p->w[2];
	w[3] = p->w[3];
	w[4] = p->w[4];
	*tag_dev(victim) = p->tag_dev;
	victim->bytes_flags = flow_add(p) | flags;
	victim->path = 0;
	victim->gen = gen;
	victim->last = now;
	barrier();
	victim->packets = 1;
	stat_add(STAT_NEW_FLOWS);
	return 0;
}

/* Counts the packet in its flow. `flags`: FLOW_*. */
static __always_inline void flow_account(const struct packet *p, u32 gen, u64 flags)
{
	u32 index = ((u32)(p->hash >> 32) & bucket_mask) + (bpf_get_smp_processor_id() << bucket_shift);
	struct flow_bucket *b = bpf_map_lookup_elem(&ht_flows, &index);

	if (unlikely(!b)) {
		stat_add(STAT_LOOKUP_FAILED);
		return;
	}
	struct flow_entry *e = flow_way(b, p->hash >> 61);
	if (likely(flow_is(e, p)))
		flow_count(e, p, gen, bpf_jiffies64(), flags);
	else
		flow_miss(b, p, gen, flags);
}
