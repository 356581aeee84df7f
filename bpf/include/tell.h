/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What user space is told of single packets: those that a rule with log met, and headers of what was denied. Which ones, is
 * asked where a packet is judged; its bytes are copied in the entry programs, which alone may touch the frame. */
#pragma once

#include "config.h"
#include "maps.h"

/* What flow_account and ht_record_other say of a packet. */
#define VERDICT_DENY 1
#define VERDICT_TELL 2 /* the query says of which rules */
#define VERDICT_LEG_SHIFT 2 /* above: the leg of a chain that the packet is on */

static __always_inline u32 verdict_of(u32 judged)
{
	return (judged & JUDGED_DENY ? VERDICT_DENY : 0) | (judged & JUDGED_TELL ? VERDICT_TELL : 0) |
	       judged >> JUDGED_LEG_SHIFT << VERDICT_LEG_SHIFT;
}

static __always_inline struct acl_hits *hits_of(u32 slot, u32 hit)
{
	u32 index = (slot * (hit_shards + 1) + hit_shard()) * ACL_HITS + (hit & 0xffff);

	return bpf_map_lookup_elem(&ht_hits, &index);
}

/* The packet's query, which is always there: that it is not is counted. */
static __always_inline struct acl_query *query_to_tell(void)
{
	u32 zero = 0;
	struct acl_query *q = bpf_map_lookup_elem(&ht_query, &zero);

	if (!q)
		stat_add(STAT_LOOKUP_FAILED);
	return q;
}

/* What was to be told and finds no room. `kinds`: EVENT_*. */
static __noinline int event_lost(u32 kinds)
{
	if (kinds & EVENT_LOG)
		stat_count(STAT_EVENT_LOST);
	if (kinds & EVENT_SAMPLE)
		stat_count(STAT_SAMPLE_LOST);
	return 0;
}

/* Asks the rule's pace whether user space is to be told of the packet in the query, and notes it there. `kinds`: EVENT_*. What a
 * log would have told of is counted; headers beyond their pace are not, so that a flood costs next to nothing. Old kernels give
 * back no value from an atomic add: CPUs that ask in the same instant may all be let through. */
__noinline int ht_tell_of(u32 slot, u32 hit, u32 kinds)
{
	u32 index = slot * ACL_HITS + hit, now = bpf_jiffies64(), told = 0;
	struct acl_pace *p;
	struct acl_query *q;
	struct acl_hits *h;

	if (shadow)
		return 0;
	p = bpf_map_lookup_elem(&ht_paces, &index);
	if (!p) {
		stat_add(STAT_LOOKUP_FAILED);
		return 0;
	}
	if (now - p->since >= second) {
		p->since = now;
		p->logged = 0;
		p->sampled = 0;
	}
	if (kinds & EVENT_SAMPLE && p->sampled < sample_rate) {
		__sync_fetch_and_add(&p->sampled, 1);
		told = EVENT_SAMPLE;
	}
	if (kinds & EVENT_LOG && p->logged < log_rate) {
		__sync_fetch_and_add(&p->logged, 1);
		told |= EVENT_LOG;
	} else if (kinds & EVENT_LOG) {
		h = hits_of(slot, hit);
		if (h)
			__sync_fetch_and_add(&h->missed, 1);
		else
			stat_add(STAT_LOOKUP_FAILED);
	}
	if (!told)
		return 0;
	q = query_to_tell();
	if (!q || q->tell_n >= EVENT_RULES) {
		event_lost(told);
		return 0;
	}
	q->tell[bounded(q->tell_n, EVENT_RULES - 1)] = hit | told << 16;
	q->tell_n++;
	return told;
}

/* The same for a denied frame that belongs to no flow. Returns JUDGED_TELL or 0. */
static __noinline u32 tell_of_other(u32 slot, u32 gen, u32 judged, u32 out, u32 len)
{
	struct acl_query *q = query_to_tell();

	if (!q)
		return 0;
	q->tell_n = 0;
	if (!ht_tell_of(slot, judged & JUDGED_HIT, EVENT_SAMPLE))
		return 0;
	q->tell[0] |= EVENT_BARE << 16;
	q->tag_dev = (out ? TAG_EGRESS : 0) | (u32)dev_slot << 16;
	q->len = len;
	q->gen = gen;
	q->judged = judged;
	return JUDGED_TELL;
}

static __always_inline u32 rules_to_tell(void)
{
	struct acl_query *q = query_to_tell();

	return q ? q->tell_n : 0;
}

/* What the query says of its packet, for one rule. */
static __noinline int event_fill(struct policy_event *e, const struct acl_query *q, u32 rule)
{
	struct acl_hits *h = hits_of(q->gen % ACL_SLOTS, rule);

	if (!h)
		stat_add(STAT_LOOKUP_FAILED);
	e->ts = bpf_ktime_get_ns();
	e->gen = q->gen;
	e->hit = rule & 0xffff;
	e->judged = q->judged;
	e->flags = rule >> 16;
	e->missed = h ? h->missed : 0;
	e->shard = hit_shard();
	e->len = q->len;
	e->captured = 0;
	e->tag = 0;
	__builtin_memcpy(&e->key, q->w, sizeof(q->w));
	*(u32 *)&e->key.tag = q->tag_dev;
	return 0;
}

/* Begins the i-th event of the query's packet; NULL when there is no room, which is counted. The frame's bytes are the caller's. */
static __always_inline struct policy_event *event_begin(u32 i)
{
	u32 which = bpf_get_smp_processor_id() & event_rings, rule;
	struct acl_query *q = query_to_tell();
	void *ring = bpf_map_lookup_elem(&ht_events, &which);
	struct policy_event *e = NULL;

	if (!q)
		return NULL;
	rule = q->tell[bounded(i, EVENT_RULES - 1)];
	if (ring)
		e = bpf_ringbuf_reserve(ring, sizeof(*e), 0);
	if (e) {
		event_fill(e, q, rule);
		return e;
	}
	event_lost(rule >> 16);
	return NULL;
}
