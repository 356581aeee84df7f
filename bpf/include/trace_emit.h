/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* An event into the ring of this CPU, or into a count. */
#pragma once

#include "journey.h"

#define RB_NO_WAKEUP 1
#define RB_FORCE_WAKEUP 2
#define RB_AVAIL_DATA 0
#define RB_HEADER 8 /* in front of each record */

static __always_inline void fill(struct trace_event *e, const struct hit *h, const struct seen *s, u32 cpu)
{
	e->ts = h->ts;
	e->skb = h->skb;
	e->journey = h->journey;
	e->ret = 0;
	e->took = 0;
	__builtin_memcpy(e->args, h->args, sizeof(e->args));
	e->func = h->func;
	e->cpu = cpu;
	e->len = s->len;
	e->mark = s->mark;
	e->ifindex = s->ifindex;
	e->netns = s->netns;
	e->pid = bpf_get_current_pid_tgid() >> 32;
	e->reason = h->reason;
	__builtin_memcpy(e->src, s->src, sizeof(e->src));
	__builtin_memcpy(e->dst, s->dst, sizeof(e->dst));
	e->sport = s->sport;
	e->dport = s->dport;
	e->proto = s->proto;
	e->frag = s->frag;
	e->vlan = s->vlan;
	e->flags = h->flags | (s->family ? TRACE_KEY : 0);
	e->depth = 0;
	bpf_get_current_comm(e->comm, sizeof(e->comm));
	__builtin_memcpy(e->dev, s->dev, sizeof(e->dev));
}

/* Wakes user space once, when the mark is passed, not again with each event that comes before it has read: an event of an
 * interrupt may lie between this one and the mark, so that two records are the width of it. */
static __always_inline void submit(void *ring, void *event, u64 size)
{
	u64 over = bpf_ringbuf_query(ring, RB_AVAIL_DATA) - wake_at;

	bpf_ringbuf_submit(event, over < 2 * (size + RB_HEADER) ? RB_FORCE_WAKEUP : RB_NO_WAKEUP);
}

static __always_inline void emit(void *ctx, const struct hit *h, const struct seen *s, u64 ret, u64 took)
{
	u32 cpu = bpf_get_smp_processor_id();
	struct trace_event *e = NULL;
	struct trace_stack *deep;
	void *ring;
	long n;

	if (over_pace(h->ts, rate)) {
		trace_count(TRACE_RATE);
		return;
	}
	ring = bpf_map_lookup_elem(&ht_tr_rings, &cpu);
	if (!ring) {
		trace_count(TRACE_RING);
		return;
	}
	if (want_stack) {
		deep = bpf_ringbuf_reserve(ring, sizeof(*deep), 0);
		if (!deep) {
			trace_count(TRACE_RING);
			return;
		}
		fill(&deep->event, h, s, cpu);
		n = bpf_get_stack(ctx, deep->ips, sizeof(deep->ips), 0);
		deep->event.depth = n > 0 ? (u64)n / 8 : 0;
		e = &deep->event;
	} else {
		e = bpf_ringbuf_reserve(ring, sizeof(*e), 0);
		if (!e) {
			trace_count(TRACE_RING);
			return;
		}
		fill(e, h, s, cpu);
	}
	e->ret = ret;
	e->took = took;
	submit(ring, e, want_stack ? sizeof(*deep) : sizeof(*e));
	trace_count(TRACE_SHOWN);
}

/* A packet, or a call without one, at a function. 1: it was shown, or would have been but for the pace. */
static __always_inline int pass(void *ctx, struct hit *h)
{
	struct seen s;
	int spent = pace_spent(rate), asked;

	/* Without a filter the answer is known: a flood costs little more than being counted. */
	if (spent && filter[0].kind == TERM_NONE && !(h->place & FUNC_FOLLOWS)) {
		trace_count(TRACE_RATE);
		return 0;
	}
	see_nothing(&s);
	if (h->skb)
		see_skb(&s, (void *)h->skb);
	if (h->sk && !s.family) /* what waits in a queue of TCP has no header: it is one of its socket's */
		see_sock(&s, (void *)h->sk);
	/* No journey begins that could not be shown. */
	if (spent && !(h->place & (FUNC_FOLLOWS | FUNC_LATE)) && matches(&s)) {
		trace_count(TRACE_RATE);
		return 0;
	}
	h->ts = bpf_ktime_get_ns();
	asked = h->skb ? join_journey(h, &s) : !(h->place & FUNC_FOLLOWS) && matches(&s);
	if (asked)
		emit(ctx, h, &s, 0, 0);
	else if (!(h->place & FUNC_FOLLOWS))
		trace_count(TRACE_FILTERED);
	return asked;
}
