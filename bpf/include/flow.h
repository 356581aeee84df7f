/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The flow table: per CPU, eight-way set-associative, in one mmapped array; user space reads it in place.
 * A CPU writes its own buckets only, so nothing is locked. A key has a home slot in its bucket, which is looked at first.
 * A newcomer takes an empty slot, then one that has seen a single packet (the second packet of a flow is off the fast path, which says
 * so in its tag), then the oldest; what it drives out is added to
 * the totals before, so that no packet is ever lost.
 * Few flows in a large table would each be in a page of their own: a packet would wait for a walk of page tables besides its entry. So a
 * part of the buckets is used, until a newcomer drives out what may still be alive: then twice as many. Half of the flows are not found
 * any more then, are judged once more and have a second entry, as if another CPU had seen them. */
#pragma once

#include "acl.h"
#include "config.h"
#include "denied.h"
#include "flow_entry.h"
#include "maps.h"
#include "packet.h"
#include "state.h"

#define KEPT 300              /* seconds without a packet after which an entry may go before more buckets are used */
#define PROBATION 0x10000000U /* added to the age of an entry with one packet: 31 days at HZ=100 */

/* The bucket of a flow. */
static __always_inline u32 flow_index(volatile struct dev_state *st, u64 hash)
{
	return ((u32)(hash >> 32) & st->mask) + (bpf_get_smp_processor_id() << bucket_shift);
}

/* Uses more of the table when an entry that gives way may be one of a flow that lives. */
static __noinline int flow_spread(const struct flow_entry *e)
{
	volatile struct dev_state *st = dev_state();
	u32 mask = st->mask;

	if ((u32)bpf_jiffies64() - e->last < KEPT * second)
		st->mask = (mask << 1 | 1) & bucket_mask;
	return 0;
}

/* Adds an entry's counts to the totals of its device and of the rule that let it pass. */
static __always_inline int flow_fold(const struct flow_entry *e)
{
	u32 dev = e->key.dev;
	u32 out = e->key.tag & TAG_EGRESS;
	u64 bytes = e->bytes_flags & BYTES_MASK;
	struct dev_counters *d = bpf_map_lookup_elem(&ht_devices, &dev);

	if (!d) {
		stat_add(STAT_LOOKUP_FAILED);
		return 0;
	}
	if (!(e->bytes_flags & FLOW_INNER))
		counter_add(&d->by[out ? DEV_FOLDED_OUT : DEV_FOLDED_IN], e->packets, bytes);
	if (e->bytes_flags & FLOW_FORWARDED)
		counter_add(&d->by[DEV_FOLDED_FWD], e->packets, bytes);
	return hits_fold(e);
}

/* A counter is full or another generation decides now: fold under the old one, begin again under the new one. */
static __noinline int flow_renew(struct flow_entry *e, u32 gen, u32 path)
{
	if (e->packets >= FLOW_PACKETS)
		stat_add(STAT_WRAPS);
	flow_fold(e);
	e->packets = 0;
	e->bytes_flags &= ~(BYTES_MASK | FLOW_INNER | FLOW_LEG_MASK);
	e->path = path;
	e->gen = gen;
	return 0;
}

/* What is said of a packet that passes as its flow did before: VERDICT_*. */
static __always_inline u32 flow_passes(const struct flow_entry *e)
{
	return (e->bytes_flags & FLOW_LEG_MASK) >> (FLOW_LEG_SHIFT - VERDICT_LEG_SHIFT);
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
	struct flow_entry *e;

	barrier_var(way);
	e = &b->way[way & (FLOW_WAYS - 1)];
	barrier_var(e); /* clang adds it up again for each field otherwise */
	return e;
}

#define TAG_FIRST 1 /* the entry's flow has seen a single packet */
#define TAG_HASH 0xfe

/* 0 is an empty way's. */
static __always_inline u32 tag_of(u64 hash)
{
	u32 tag = hash >> 24 & TAG_HASH; /* bits that neither bucket nor home slot is made of */

	return tag | (nonzero(tag) ^ 1) << 1;
}

/* 0: the flow with this hash is not in the bucket, which need not be looked at then: of a flood, entries would have to come from
 * memory for nothing. 1: it may be. */
static __always_inline int flow_may_be(u32 index, u64 hash)
{
	struct flow_tags *tags = bpf_map_lookup_elem(&ht_tags, &index);
	u32 home;

	if (!tags)
		return 1;
	home = tags->way[hash >> 61];
	/* Most flows are in their home slot. The tag is not made from the hash for that: where it would be 0, the next look finds it, and
	 * an empty slot is not taken for it. */
	if (likely(home && !((home ^ hash >> 24) & TAG_HASH)))
		return 1;
	return zero_bytes((*(u64 *)tags->way & BYTES(TAG_HASH)) ^ BYTES(tag_of(hash))) != 0;
}

#define WAY_NONE FLOW_WAYS

/* The way that the query's flow has in a bucket, WAY_NONE: it has none. */
__noinline int ht_flow_find(u32 index)
{
	u32 zero = 0;
	struct flow_bucket *b = bpf_map_lookup_elem(&ht_flows, &index);
	struct acl_query *q = bpf_map_lookup_elem(&ht_query, &zero);

	if (!b || !q)
		return WAY_NONE;
#pragma clang loop unroll(full)
	for (u32 i = 0; i < FLOW_WAYS; i++) {
		u32 way = bounded((q->hash >> 61) + i, FLOW_WAYS - 1);

		if (flow_is(flow_way(b, way), q->w, q->tag_dev))
			return way;
	}
	return WAY_NONE;
}

/* The way whose entry is oldest, of those that all have seen more than one packet. */
__noinline int ht_flow_oldest(u32 index, u32 home)
{
	struct flow_bucket *b = bpf_map_lookup_elem(&ht_flows, &index);
	u32 now = bpf_jiffies64(), oldest, victim = home;

	if (!b)
		return home;
	oldest = flow_age(flow_way(b, home), now);
#pragma clang loop unroll(full)
	for (u32 i = 1; i < FLOW_WAYS; i++) {
		u32 age = flow_age(flow_way(b, home + i), now);

		if (age > oldest) {
			oldest = age;
			victim = home + i;
		}
	}
	return victim;
}

/* The way whose entry is needed least. It is the query's from now on: its tag says so. Tags tell of empty ways and of first packets,
 * so that a flood does not bring eight entries from memory for each of its packets. Of several flows with one packet, any may go. */
static __always_inline u32 flow_victim(u32 index, const struct acl_query *q)
{
	struct flow_tags *tags = bpf_map_lookup_elem(&ht_tags, &index);
	u32 home = q->hash >> 61, victim;
	u64 all, free;

	if (!tags)
		return home;
	all = tags_from(tags->way, home);
	free = zero_bytes(all);
	if (!free)
		free = (all & BYTES(TAG_FIRST)) << 7;
	victim = bounded(free ? lowest_byte(free) + home : ht_flow_oldest(index, home), FLOW_WAYS - 1);
	tags->way[victim] = tag_of(q->hash) | TAG_FIRST;
	return victim;
}

/* Says in its tag whether an entry is needed more than those of first packets. */
static __always_inline void tag_set(u32 index, u32 way, u32 tag)
{
	struct flow_tags *tags = bpf_map_lookup_elem(&ht_tags, &index);

	if (tags)
		tags->way[bounded(way, FLOW_WAYS - 1)] = tag;
}

/* Counts a packet of the query in the entry of its flow. */
static __always_inline void flow_more(struct flow_entry *e, const struct acl_query *q, u32 index, u32 way, u64 flags)
{
	if (e->packets == 1)
		tag_set(index, way, tag_of(q->hash));
	flow_count(e, q->len, q->tcp_flags, bpf_jiffies64(), flags);
}

/* Puts a new flow into an entry, after what is there. */
static __always_inline int flow_put(struct flow_entry *e, const struct acl_query *q, u32 gen, u32 path, u64 flags)
{
	if (e->packets) {
		if (dev_state()->mask < bucket_mask)
			flow_spread(e);
		flow_fold(e);
		stat_count(STAT_EVICTIONS);
	}
	/* A reader that sees packets == 0 leaves the slot alone. */
	e->packets = 0;
	barrier();
	flow_key_set(e, q);
	e->bytes_flags = q->len | (u64)q->tcp_flags << TCP_FLAGS_SHIFT | flags;
	e->path = path;
	e->gen = gen;
	e->last = bpf_jiffies64();
	barrier();
	e->packets = 1;
	stat_count(STAT_NEW_FLOWS);
	return 0;
}

/* A flow that is denied from now on leaves its place: a tag would send each of its packets to look for it. */
static __always_inline void flow_leave(struct flow_entry *e, u32 index, u32 way)
{
	flow_fold(e);
	e->packets = 0; /* readers leave it alone from here on */
	barrier();
	*tag_dev(e) = 0;
	tag_set(index, way, 0);
}

/* Not the usual case: the query's flow is not in its home slot, or new, or to be judged anew. `absent`: it is not in the bucket.
 * Returns VERDICT_*. */
__noinline int ht_flow_slow(u32 index, u32 gen, u64 flags, u32 absent)
{
	u32 zero = 0, judged = 0, verdict, way = absent ? WAY_NONE : ht_flow_find(index);
	struct flow_bucket *b = bpf_map_lookup_elem(&ht_flows, &index);
	struct acl_query *q = bpf_map_lookup_elem(&ht_query, &zero);
	u64 now = bpf_jiffies64(), leg;
	struct flow_entry *e;
	u32 live;

	if (!b || !q)
		return 0;
	e = flow_way(b, way);
	live = way < WAY_NONE && e->packets;
	if (live && e->gen == (u16)gen && e->packets < FLOW_PACKETS && holds(dev_state(), gen, now, e->last)) {
		flow_more(e, q, index, way, flags);
		return flow_passes(e);
	}
	/* Of a flow that is absent, verdicts were looked for but those that ask for `established`. */
	if (gen && !live && (!absent || dev_state()->track) && denied_again(dev_state(), q->w, q->tag_dev, q->hash, q->len, q->tcp_flags, gen, now, absent ? DENIED_LATE : DENIED_ANY))
		return VERDICT_DENY;
	if (gen)
		judged = ht_acl_judge(slot_of(gen), gen);
	verdict = verdict_of(judged);
	if (judged & JUDGED_DENY) {
		if (live)
			flow_leave(e, index, way);
		denied_put(q, gen, judged);
		return verdict;
	}
	if (judged & JUDGED_EACH)
		gen = GEN_EACH;
	leg = (u64)(judged >> JUDGED_LEG_SHIFT) << FLOW_LEG_SHIFT & FLOW_LEG_MASK;
	judged &= JUDGED_HIT;
	if (!live) {
		if (dev_state()->track)
			note_seen(q);
		if (way >= WAY_NONE)
			e = flow_way(b, flow_victim(index, q));
		flow_put(e, q, gen, judged, flags | leg);
		return verdict;
	}
	if (e->gen != (u16)gen || e->path != judged || e->packets >= FLOW_PACKETS)
		flow_renew(e, gen, judged);
	e->bytes_flags = (e->bytes_flags & ~FLOW_LEG_MASK) | leg;
	flow_more(e, q, index, way, flags);
	return verdict;
}

/* Counts the packet in its flow, and lets the policy judge it where that is not known. `flags`: FLOW_*. Returns VERDICT_*. */
static __always_inline u32 flow_account(const struct packet *p, volatile struct dev_state *st, u32 gen, u64 flags)
{
	u32 index = flow_index(st, p->hash);
	struct flow_bucket *b = bpf_map_lookup_elem(&ht_flows, &index);
	u64 now = bpf_jiffies64();

	if (unlikely(!b)) {
		stat_add(STAT_LOOKUP_FAILED);
		return 0;
	}
	/* Without a policy a new flow gets an entry in any case. */
	if (gen && unlikely(!flow_may_be(index, p->hash))) {
		if (denied_again(st, p->w, p->tag_dev, p->hash, p->len, p->tcp_flags, gen, now, DENIED_PLAIN))
			return VERDICT_DENY;
		return query_set(p, dev_slot) ? ht_flow_slow(index, gen, flags, 1) : 0;
	}
	/* An eighth of the flows of a table as full as it should be is not in its home slot, but nearly all of them are in the next one. */
#pragma clang loop unroll(full)
	for (u32 i = 0; i < 2; i++) {
		struct flow_entry *e = flow_way(b, (p->hash >> 61) + i);

		if (likely(flow_is(e, p->w, p->tag_dev) && e->gen == (u16)gen && e->packets - 2 < FLOW_PACKETS - 2 && holds(st, gen, now, e->last))) {
			flow_count(e, p->len, p->tcp_flags, now, flags);
			return flow_passes(e);
		}
	}
	return query_set(p, dev_slot) ? ht_flow_slow(index, gen, flags, 0) : 0;
}
