/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The maps of one trace. Sizes of 1 are placeholders: user space sets them (bpf/kern, trace.go). */
#pragma once

#include "compat.h"
#include "wire.h"

/* A packet on its way, by the address of its sk_buff. */
struct tracked {
	u64 journey;
	u64 freed;   /* ns, 0: alive */
	u64 last;    /* ns, of the last event */
	u32 print;   /* see seen.print */
	u32 ifindex; /* of the last event that arrived */
	u32 flags;   /* TRACE_CLONE */
	u32 place;   /* FUNC_RECEIVES or FUNC_SENDS of the last event */
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1);
	__type(key, __u64);
	__type(value, struct tracked);
} ht_tr_tracked SEC(".maps");

/* With by_head: the journey of the data that clones share. */
struct shared {
	u64 journey;
	u32 print;
	u32 pad;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1);
	__type(key, __u64);
	__type(value, struct shared);
} ht_tr_heads SEC(".maps");

/* Without cookies: the cookie of a function by its address. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, __u64);
	__type(value, __u64);
} ht_tr_funcs SEC(".maps");

/* Calls under way, of one function on one kernel stack. */
#define CALLS 4

struct call {
	u64 sp;
	u64 ts;
	u64 skb;
	u64 journey;
	u32 shown;
	u32 pad;
};

struct call_key {
	u64 stack;
	u64 func;
};

struct calls {
	u64 depth;
	struct call call[CALLS];
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1);
	__type(key, struct call_key);
	__type(value, struct calls);
} ht_tr_calls SEC(".maps");

/* A ring buffer for each CPU: one for all costs several times as much an event. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(
		values, struct {
			__uint(type, BPF_MAP_TYPE_RINGBUF);
			__uint(max_entries, 4096);
		});
} ht_tr_rings SEC(".maps");

/* By enum trace_stat. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, TRACE_STAT_MAX);
	__type(key, enum trace_stat);
	__type(value, __u64);
} ht_tr_stats SEC(".maps");

/* The second under way and its events. */
struct pace {
	u64 since;
	u64 events;
	u64 tick; /* jiffies when the clock was last read for a second that had had its events */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct pace);
} ht_tr_pace SEC(".maps");

/* A program may be interrupted by another of the same CPU between load and store: only an atomic add counts exactly. */
static __always_inline void trace_count(u32 stat)
{
	u64 *n = bpf_map_lookup_elem(&ht_tr_stats, &stat);

	if (n)
		__sync_fetch_and_add(n, 1);
}

static __always_inline int is_over(struct pace *p, u64 now, u32 limit)
{
	if (now - p->since >= 1000000000ULL) {
		p->since = now;
		p->events = 0;
	}
	return p->events >= limit;
}

/* 1: the second has had its events. The clock costs more than all else here: it is read once a tick. */
static __always_inline int pace_spent(u32 limit)
{
	u32 zero = 0;
	struct pace *p = bpf_map_lookup_elem(&ht_tr_pace, &zero);
	u64 tick;

	if (!p || p->events < limit)
		return 0;
	tick = bpf_jiffies64();
	if (p->tick == tick)
		return 1;
	p->tick = tick;
	return is_over(p, bpf_ktime_get_ns(), limit);
}

static __always_inline int over_pace(u64 now, u32 limit)
{
	u32 zero = 0;
	struct pace *p = bpf_map_lookup_elem(&ht_tr_pace, &zero);

	if (!p)
		return 0;
	if (is_over(p, now, limit))
		return 1;
	__sync_fetch_and_add(&p->events, 1);
	return 0;
}
