/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which journey an sk_buff belongs to. The filter is asked at events of an sk_buff that has none; from the first match on it
 * is followed by its address, whatever becomes of its headers, until it is freed. */
#pragma once

#include "seen.h"
#include "trace_config.h"
#include "trace_filter.h"
#include "trace_maps.h"

/* One call of a traced function or tracepoint. */
struct hit {
	u64 ts;
	u64 skb;
	u64 sk;
	u64 journey;
	u64 sp;
	u64 args[5];
	u32 func;
	u32 place; /* FUNC_* of its cookie */
	u32 reason;
	u32 flags; /* TRACE_* */
};

#define STALE_NS 1000000 /* with by_head: what arrives again on another device within is one packet, decapsulated */

/* The entry is another packet's, whose end was not seen, and whose memory serves again. Where functions are hooked every
 * end is seen. With tracepoints only, TCP frees what it has read unseen; but then the next packet in the same memory
 * begins at a device or leaves from a socket, where a packet that had arrived never comes by. */
static __always_inline int is_stale(const struct tracked *t, const struct hit *h, const struct seen *s)
{
	struct sk_buff *skb = (void *)h->skb; /* READ relocates whatever access its argument holds */

	if (t->freed && by_head) /* what TCP took, it may still drop */
		return !(h->place & FUNC_FREES) || t->print != s->print;
	if (t->freed)
		return !(h->place & FUNC_LATE);
	if (!by_head || !s->family || t->print == s->print || t->place != FUNC_RECEIVES)
		return 0;
	if (h->place & FUNC_SENDS)
		return READ(skb, sk) != NULL;
	return h->place & FUNC_RECEIVES && (t->ifindex == s->ifindex || h->ts - t->last > STALE_NS);
}

/* Puts an sk_buff under way; what can't be noted is counted, and begins a journey at each event. */
static __always_inline void track(u64 skb, const struct tracked *t)
{
	if (bpf_map_update_elem(&ht_tr_tracked, &skb, t, 0))
		trace_count(TRACE_UNTRACKED);
}

/* Clones share their data with the original; a packet of its own that happens to lie where other data was differs in print. */
static __always_inline u64 shared_journey(const struct seen *s)
{
	struct shared *d = bpf_map_lookup_elem(&ht_tr_heads, &s->head);

	return d && d->print == s->print ? d->journey : 0;
}

/* Numbers of journeys are times: the kernel has no counter shared by all CPUs before 5.12. */
static __always_inline u64 new_journey(u64 now)
{
	return now << 10 | (bpf_get_smp_processor_id() & 1023);
}

/* Sets hit.journey and its flags; 0 when the packet is not asked for. Keys are copies, here and below: the verifier takes what
 * a helper has read for a number, and h->skb may be a pointer with a type. */
static __always_inline int join_journey(struct hit *h, const struct seen *s)
{
	u64 key = h->skb;
	struct tracked *t = bpf_map_lookup_elem(&ht_tr_tracked, &key);
	struct tracked new = {};
	struct shared d = {};

	if (t && !is_stale(t, h, s)) {
		h->journey = t->journey;
		h->flags |= t->flags;
		t->last = h->ts;
		if (h->place & (FUNC_RECEIVES | FUNC_SENDS)) {
			t->place = h->place & (FUNC_RECEIVES | FUNC_SENDS);
			t->ifindex = s->ifindex;
		}
		return 1;
	}
	if (t)
		bpf_map_delete_elem(&ht_tr_tracked, &key);
	if (h->place & (FUNC_LATE | FUNC_FOLLOWS) && !by_head)
		return 0;
	if (by_head && s->family) {
		new.journey = shared_journey(s);
		if (new.journey)
			new.flags = TRACE_CLONE;
	}
	if (!new.journey) {
		if (h->place & FUNC_FOLLOWS || !matches(s))
			return 0;
		new.journey = new_journey(h->ts);
		h->flags |= TRACE_FIRST;
		d.journey = new.journey;
		d.print = s->print;
		if (by_head && s->family && bpf_map_update_elem(&ht_tr_heads, &s->head, &d, 0))
			trace_count(TRACE_UNTRACKED);
	}
	h->journey = new.journey;
	h->flags |= new.flags;
	new.last = h->ts;
	new.print = s->print;
	new.ifindex = s->ifindex;
	new.place = h->place & (FUNC_RECEIVES | FUNC_SENDS);
	if (!(h->place & FUNC_FREES))
		track(h->skb, &new);
	return 1;
}

/* Whether an sk_buff may belong to a journey: what nobody asked for need not be looked at otherwise. */
static __always_inline int may_be_known(u64 skb)
{
	struct sk_buff *seen = (void *)skb;
	u64 key = skb, head;

	if (bpf_map_lookup_elem(&ht_tr_tracked, &key))
		return 1;
	if (!by_head)
		return 0;
	head = (u64)READ(seen, head);
	return bpf_map_lookup_elem(&ht_tr_heads, &head) != NULL;
}

/* The sk_buff is being freed. What still comes is FUNC_LATE. */
static __always_inline void end_journey(u64 skb)
{
	u64 key = skb;
	struct tracked *t = bpf_map_lookup_elem(&ht_tr_tracked, &key);

	if (t && !t->freed)
		t->freed = bpf_ktime_get_ns();
	if (by_head) {
		struct sk_buff *ending = (void *)skb;
		u64 head = (u64)READ(ending, head);

		/* A look takes no lock. */
		if (bpf_map_lookup_elem(&ht_tr_heads, &head) && is_sole(ending, head))
			bpf_map_delete_elem(&ht_tr_heads, &head);
	}
}

/* `to` was made from `from`. */
static __always_inline void share_journey(u64 to, u64 from)
{
	struct tracked *t = bpf_map_lookup_elem(&ht_tr_tracked, &from);
	struct tracked copy;

	if (!t || t->freed)
		return;
	copy = *t;
	copy.flags = TRACE_CLONE;
	track(to, &copy);
}
