/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The policy's answer about one packet. */
#pragma once

#include "acl_match.h"
#include "config.h"
#include "tell.h"

static __always_inline void hits_add(struct acl_hits *h, u64 packets, u64 bytes, u64 limited, u32 last)
{
	if (hits_own) {
		h->packets += packets;
		h->bytes += bytes;
		h->limited += limited;
	} else {
		__sync_fetch_and_add(&h->packets, packets);
		__sync_fetch_and_add(&h->bytes, bytes);
		if (limited)
			__sync_fetch_and_add(&h->limited, limited);
	}
	h->last = last;
}

static __always_inline int hit_add(u32 slot, u32 hit, u64 packets, u64 bytes, u64 limited)
{
	struct acl_hits *h = hits_of(slot, hit);

	if (h)
		hits_add(h, packets, bytes, limited, bpf_jiffies64());
	else
		stat_add(STAT_LOOKUP_FAILED);
	return 0;
}

/* Adds an entry's counts to those of the rule that decided, while that rule's image is there: user space has read what those of older
 * ones counted. */
static __always_inline int hits_fold(const struct flow_entry *e)
{
	u32 gen = e->gen, slot = slot_of(gen), last = e->last;
	struct acl_image *img;
	struct acl_hits *h;

	if (!gen || gen == GEN_EACH)
		return 0;
	img = bpf_map_lookup_elem(&ht_policy, &slot);
	h = hits_of(slot, e->path);
	if (!img || !h || img->gen != gen)
		return 0;
	if (h->packets && (int)(last - h->last) < 0)
		last = h->last;
	hits_add(h, e->packets, e->bytes_flags & BYTES_MASK, 0, last);
	return 0;
}

/* Takes a token from the source's bucket (GCRA, ITU-T I.371); 0: there was none. The bucket is kept without a lock, for which old
 * kernels have no means here: CPUs that ask for one bucket in the same instant may get the same token. */
static __noinline int take_token(const struct acl_query *q, const struct acl_record *r)
{
	struct bucket_key key = { .rule = r->bucket };
	u64 now = bpf_ktime_get_boot_ns(), full = now, *kept;

	key.src[0] = q->w[0];
	key.src[1] = q->w[0] >> 32;
	key.src[2] = q->w[1];
	key.src[3] = q->w[1] >> 32;
	kept = bpf_map_lookup_elem(&ht_buckets, &key);
	if (kept && *kept > now)
		full = *kept;
	full += r->cost;
	if (full - now > r->burst)
		return 0;
	if (shadow)
		return 1; /* a dry run takes nothing */
	if (kept)
		*kept = full;
	else if (bpf_map_update_elem(&ht_buckets, &key, &full, 0))
		stat_add(STAT_BUCKET_FAILED);
	return 1;
}

/* Counts the packet for the count rules that stand before the record that decided. Their number goes into the query: the
 * verifier would follow each way to know it otherwise. */
__noinline int ht_acl_count(u32 slot, u32 best)
{
	u32 zero = 0, number;
	struct acl_image *img = bpf_map_lookup_elem(&ht_policy, &slot);
	struct acl_query *q = bpf_map_lookup_elem(&ht_query, &zero);

	if (!img || !q)
		return 0;
	if (q->counted_n > JUDGED)
		stat_add(STAT_COUNT_LOST);
#pragma clang loop unroll(disable)
	for (u32 i = 0; i < JUDGED; i++) {
		struct acl_record *r;

		if (i >= q->counted_n)
			break;
		number = q->counted[i];
		if (number >= best)
			continue;
		r = &img->record[bounded(number, ACL_RECORDS - 1)];
		number = r->hit;
		if (shadow)
			q->counted[bounded(q->passed, JUDGED - 1)] = number;
		else
			hit_add(slot, number, 1, q->len, 0);
		if (r->flags & RECORD_LOG)
			ht_tell_of(slot, number, EVENT_LOG);
		q->passed++;
	}
	return 0;
}

/* The tunnel that a packet came in is not part of a tuple: answers to what was unwrapped are sent without one. */
#define SEEN_PROTO 0xff00000000ULL

static __noinline int was_seen(const struct acl_query *q)
{
	struct seen_key key = { .w = { q->w[0], q->w[1], q->w[2], q->w[3], q->w[4] & (SEEN_PROTO | 0xffffffffULL) } };

	return !(q->tag_dev & TAG_FRAG_LATER) && bpf_map_lookup_elem(&ht_seen, &key);
}

/* Judges the packet in the query: JUDGED_*. What is not for a flow's entry is counted. A global function: the verifier follows
 * it once. */
__noinline int ht_acl_judge(u32 slot, u32 gen)
{
	u32 zero = 0, best, judged, out, kinds = 0;
	struct acl_image *img = bpf_map_lookup_elem(&ht_policy, &slot);
	struct acl_query *q = bpf_map_lookup_elem(&ht_query, &zero);
	struct acl_record *r;

	if (!img || !q || img->gen != gen) {
		stat_add(STAT_LOOKUP_FAILED);
		return 0;
	}
	q->counted_n = 0;
	q->passed = 0;
	q->tell_n = 0;
	q->leg = 0;
	q->flows = img->flows;
	q->ports = img->ports[0].classes;
	q->established = q->flows && was_seen(q);
#pragma clang loop unroll(disable)
	for (u32 i = 0; i <= ACL_RECORDS / SCAN; i++) {
		if (ht_acl_scan(slot, i))
			break;
	}
	best = q->best;
	out = !!(q->tag_dev & TAG_EGRESS);
	judged = HIT_DEFAULT_IN + out;
	if (img->deny[out])
		judged |= JUDGED_DENY;
	if (best < NO_RECORD) {
		r = &img->record[bounded(best, ACL_RECORDS - 1)];
		judged = r->hit;
		if (r->flags & RECORD_DENY)
			judged |= JUDGED_DENY;
		if (r->flags & RECORD_LIMIT)
			judged |= take_token(q, r) ? JUDGED_EACH : JUDGED_EACH | JUDGED_DENY | JUDGED_LIMITED;
		kinds = r->flags & RECORD_LOG ? EVENT_LOG : 0;
	}
	if (q->counted_n)
		ht_acl_count(slot, best);
	if (q->passed || (kinds && judged & JUDGED_DENY)) /* a log is told of each packet that its rule denies */
		judged |= JUDGED_EACH;
	if (!shadow && judged & JUDGED_EACH)
		hit_add(slot, judged & JUDGED_HIT, 1, q->len, !!(judged & JUDGED_LIMITED));
	if (!(judged & JUDGED_DENY))
		judged |= q->leg << JUDGED_LEG_SHIFT;
	if ((judged & (JUDGED_DENY | JUDGED_LIMITED)) == JUDGED_DENY)
		kinds |= EVENT_SAMPLE;
	if (kinds)
		ht_tell_of(slot, judged & JUDGED_HIT, kinds);
	if (q->tell_n) {
		judged |= JUDGED_TELL;
		q->gen = gen;
		q->judged = judged;
	}
	return judged;
}

/* A frame that is not IP, or can't be parsed: the guard's line, then the default. Returns JUDGED_*. */
__noinline int ht_acl_other(u32 gen, u32 not_ip, u32 out, u32 len)
{
	u32 slot = slot_of(gen), judged;
	struct acl_image *img = bpf_map_lookup_elem(&ht_policy, &slot);

	if (!img || img->gen != gen) {
		stat_add(STAT_LOOKUP_FAILED);
		return 0;
	}
	out = !!out;
	judged = HIT_DEFAULT_IN + out;
	if (not_ip && img->not_ip)
		judged = img->not_ip;
	else if (img->deny[out])
		judged |= JUDGED_DENY;
	if (!shadow)
		hit_add(slot, judged & JUDGED_HIT, 1, len, 0);
	if (judged & JUDGED_DENY)
		judged |= tell_of_other(slot, gen, judged, out, len);
	return judged;
}

static __always_inline void query_fill(struct acl_query *q, const struct packet *p, u32 dev)
{
	q->w[0] = p->w[0];
	q->w[1] = p->w[1];
	q->w[2] = p->w[2];
	q->w[3] = p->w[3];
	q->w[4] = p->w[4];
	q->tag_dev = p->tag_dev;
	q->dev = dev;
	q->len = p->len;
	q->tcp_flags = p->tcp_flags;
	q->hash = p->hash;
}

/* Hands a packet on to the functions that are off the fast path. */
static __always_inline int query_set(const struct packet *p, u32 dev)
{
	u32 zero = 0;
	struct acl_query *q = bpf_map_lookup_elem(&ht_query, &zero);

	if (!q) {
		stat_add(STAT_LOOKUP_FAILED);
		return 0;
	}
	query_fill(q, p, dev);
	return 1;
}

/* Notes the tuple that answers to this packet will have, for `established`. ICMP has answers to echo and timestamp only. */
static __always_inline void note_seen(const struct acl_query *q)
{
	u32 proto = q->w[4] >> 32 & 0xff, ports = q->w[4], one = 1;
	struct seen_key key = { .w = { q->w[2], q->w[3], q->w[0], q->w[1] } };

	if (q->tag_dev & TAG_FRAG_LATER)
		return;
	if (!is_icmp(proto))
		ports = ports >> 16 | ports << 16;
	else if (proto == PROTO_ICMP && (ports == 8 || ports == 0))
		ports ^= 8;
	else if (proto == PROTO_ICMP && (ports == 13 || ports == 14))
		ports ^= 3;
	else if (proto == PROTO_ICMP6 && (ports == 128 || ports == 129))
		ports ^= 1;
	else
		return;
	key.w[4] = (q->w[4] & SEEN_PROTO) | ports;
	if (bpf_map_update_elem(&ht_seen, &key, &one, 0))
		stat_add(STAT_SEEN_FAILED);
}
