/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Verdicts on denied flows, kept apart from the flow table: a flood of them drives no known flow out of there. A verdict is kept where it
 * follows from key and generation, and from what `established` says. Source ports that the policy does not tell apart share one: what is
 * denied once is so from whatever port it comes. The entry has the newest of these flows' ports, and counts the packets of all. */
#pragma once

#include "acl.h"
#include "config.h"
#include "flow_entry.h"
#include "maps.h"
#include "state.h"

#define DENIED_FLAGS (DENIED_AGAIN | DENIED_ASKED | DENIED_SEEN | DENIED_PORTS)
#define NEAR 4 /* ways that a flow may be in: its home way and those that follow it */
#define NEAR_MARKS 0x80808080ULL
#define REPEATS 16 /* denied flows of which a CPU tells each header that their rules' pace allows; of more, some */

/* Where a flow is, if it is anywhere. */
struct denied_place {
	struct denied_bucket *bucket;
	struct denied_tags *tags; /* NULL: a lookup that cannot fail, failed */
	u32 tag;
	u32 home; /* the way that is looked at first */
};

/* By the flow's hash, from which the source port is taken out again: what it was mixed of is a sum. */
static __always_inline struct denied_place denied_place(const u64 *w, u64 hash)
{
	struct denied_place at = {};
	u32 index;

	hash *= HASH_UNMIX;
	hash ^= hash >> 32;
	hash -= (w[4] & 0xffff) * hash_seed[8];
	hash ^= hash >> 32;
	hash *= HASH_MIX;
	index = ((u32)(hash >> 32) & denied_mask) + (bpf_get_smp_processor_id() << denied_shift);
	at.tag = hash >> 24 & 0xff;
	if (unlikely(!at.tag))
		at.tag = 1;
	at.home = hash >> 61;
	at.bucket = bpf_map_lookup_elem(&ht_denied, &index);
	if (at.bucket)
		at.tags = bpf_map_lookup_elem(&ht_denied_tags, &index);
	return at;
}

/* Ways count from the home way on: flows spread over all of them, each of which has cache sets of its own. */
static __always_inline struct flow_entry *denied_way(const struct denied_place *at, u32 way)
{
	return &at->bucket->way[bounded(way + at->home, DENIED_WAYS - 1)];
}

/* The same flow, but for its source port or what stands in its place. */
static __always_inline int denied_is(struct flow_entry *e, const u64 *w, u32 tag_dev_)
{
	const u64 *k = words(e);

	return k[1] == w[1] && k[3] == w[3] && !((k[4] ^ w[4]) >> 16) && *tag_dev(e) == tag_dev_ && k[0] == w[0] && k[2] == w[2];
}

/* The flow's entry, NULL: it has none, and nothing was read from memory most likely: a flood would find some tag in more ways. */
static __always_inline struct flow_entry *denied_entry(const struct denied_place *at, const u64 *w, u32 tag_dev_)
{
	struct flow_entry *e;
	u64 maybe;

	if (unlikely(!at->tags))
		return NULL;
	e = denied_way(at, 0);
	if (likely(at->tags->way[at->home] == at->tag && denied_is(e, w, tag_dev_)))
		return e;
	maybe = zero_bytes(tags_from(at->tags->way, at->home) ^ BYTES((u64)at->tag)) & NEAR_MARKS;
#pragma clang loop unroll(disable)
	for (u32 i = 0; i < NEAR && maybe; i++) {
		e = denied_way(at, lowest_byte(maybe));
		if (denied_is(e, w, tag_dev_))
			return e;
		maybe &= maybe - 1;
	}
	return NULL;
}

/* Whether a policy of several classes of source ports tells these apart. An ICMP packet has its type there. */
static __always_inline int ports_differ(u32 slot, u64 a, u64 b)
{
	struct acl_image *img = bpf_map_lookup_elem(&ht_policy, &slot);

	if (!img || is_icmp(a >> 32 & 0xff))
		return 1;
	return img->ports[0].class[be16(a)] != img->ports[0].class[be16(b)];
}

/* Whether a flow is to be judged anew so that a header of it may be told, and notes that. A flood costs next to nothing: once the second's
 * headers are told, no entry is asked how old it is, which would be guessed wrong while it comes from memory. */
static __always_inline int repeat_due(const struct flow_entry *e, u32 now)
{
	u32 zero = 0;
	struct acl_pace *p = bpf_map_lookup_elem(&ht_repeats, &zero);

	if (!p || sample_rate > second)
		return 1;
	if (now - p->since < second) {
		if (p->sampled >= (u64)sample_rate * REPEATS)
			return 0;
	} else {
		p->since = now;
		p->sampled = 0;
	}
	if (!((now ^ e->last) >> repeat_shift))
		return 0;
	p->sampled++;
	return 1;
}

/* Which verdicts denied_again looks for. */
#define DENIED_PLAIN 1 /* that do not ask for `established` */
#define DENIED_LATE 2  /* others: the plain ones were looked for */
#define DENIED_ANY 3

/* Denies a packet as one before, and counts it. 0: it is to be judged. `which` is a constant on the fast path. */
static __always_inline int denied_again(volatile struct dev_state *st, const u64 *w, u32 tag_dev_, u64 hash, u32 len, u64 tcp_flags, u32 gen, u64 now, const u32 which)
{
	struct denied_place at = denied_place(w, hash);
	struct flow_entry *e = denied_entry(&at, w, tag_dev_);

	if (!e)
		return 0;
	if (e->gen != (u16)gen || !(e->bytes_flags & DENIED_AGAIN) || e->packets - 1 >= FLOW_PACKETS - 1 || !holds(st, gen, now, e->last))
		return 0;
	if (e->bytes_flags & DENIED_ASKED) {
		u32 zero = 0;
		struct acl_query *q = which & DENIED_LATE ? bpf_map_lookup_elem(&ht_query, &zero) : NULL;

		if (!q || was_seen(q) != !!(e->bytes_flags & DENIED_SEEN))
			return 0;
	} else if (!(which & DENIED_PLAIN)) {
		return 0;
	}
	if (!(e->bytes_flags & DENIED_PORTS) && words(e)[4] != w[4] && ports_differ(slot_of(gen), words(e)[4], w[4]))
		return 0;
	if (repeat_due(e, now))
		return 0;
	device_count(tag_dev_ & TAG_EGRESS ? DEV_DENIED_OUT : DEV_DENIED_IN, len);
	/* TCP flags are the newest flow's. Not a branch, which would be guessed wrong for many a flow whose entry comes from memory. */
	e->bytes_flags &= ~((u64)-nonzero(words(e)[4] ^ w[4]) << TCP_FLAGS_SHIFT);
	words(e)[4] = w[4];
	flow_count(e, len, tcp_flags, now, 0);
	return 1;
}

/* The entry that a denied flow takes: its own, an empty one, or the older one of two. Only in one tick of four a flow drives another one
 * out, NULL otherwise: a flood from random sources shall not bring entries from memory with each packet, and flows that come again are in
 * there soon. */
static __always_inline struct flow_entry *denied_take(const struct denied_place *at, const struct acl_query *q, u32 now)
{
	struct flow_entry *e = denied_entry(at, q->w, q->tag_dev);
	u32 way = 0;
	u64 empty;

	if (e || !at->tags)
		return e;
	empty = zero_bytes(tags_from(at->tags->way, at->home)) & NEAR_MARKS;
	if (empty) {
		way = lowest_byte(empty);
	} else {
		if (now & 3)
			return NULL;
		way = (int)(denied_way(at, 0)->last - denied_way(at, 1)->last) > 0;
	}
	at->tags->way[bounded(way + at->home, DENIED_WAYS - 1)] = at->tag;
	return denied_way(at, way);
}

/* Empties an entry for the query's flow. */
static __noinline int denied_begin(struct flow_entry *d, const struct acl_query *q)
{
	if (d->packets && d->bytes_flags & DENIED_AGAIN)
		hits_fold(d);
	d->packets = 0;
	barrier();
	flow_key_set(d, q);
	d->bytes_flags = 0;
	barrier();
	return 0;
}

/* Counts a denied packet, and keeps its verdict where it holds for those that come after. The packets of such an entry are not in the
 * rule's counters yet, those of others are. */
static __always_inline int denied_put(const struct acl_query *q, u32 gen, u32 judged)
{
	struct denied_place at = denied_place(q->w, q->hash);
	u32 hit = judged & JUDGED_HIT, now = bpf_jiffies64(), fresh;
	u64 flags = 0;
	struct flow_entry *d;

	device_count(q->tag_dev & TAG_EGRESS ? DEV_DENIED_OUT : DEV_DENIED_IN, q->len);
	if (!(judged & JUDGED_EACH))
		flags |= DENIED_AGAIN | (q->flows ? DENIED_ASKED : 0) | (q->established ? DENIED_SEEN : 0) |
			 (q->ports == 1 && !is_icmp(q->w[4] >> 32 & 0xff) ? DENIED_PORTS : 0);
	d = denied_take(&at, q, now);
	if (!d)
		return flags & DENIED_AGAIN ? hit_add(slot_of(gen), hit, 1, q->len, 0) : 0;
	fresh = !d->packets;
	if (!flow_is(d, q->w, q->tag_dev) || d->gen != (u16)gen || d->path != hit || (d->bytes_flags ^ flags) & DENIED_AGAIN || d->packets >= FLOW_PACKETS)
		denied_begin(d, q);
	d->path = hit;
	d->gen = gen;
	d->bytes_flags = (d->bytes_flags & ~DENIED_FLAGS) | flags;
	flow_count(d, q->len, q->tcp_flags, now, 0);
	if (fresh)
		stat_count(STAT_NEW_DENIED);
	return 0;
}
