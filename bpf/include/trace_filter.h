/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The packet filter over what was seen. Its slow twin: Filter.Match in probes/trace. */
#pragma once

#include "seen.h"
#include "trace_config.h"

static __always_inline int same_net(const u32 *addr, const volatile struct trace_term *t)
{
	return !((addr[0] ^ t->a[0]) & t->b[0] || (addr[1] ^ t->a[1]) & t->b[1] || (addr[2] ^ t->a[2]) & t->b[2] ||
		 (addr[3] ^ t->a[3]) & t->b[3]);
}

static __always_inline int same_words(const u32 *x, const volatile u32 *y)
{
	return x[0] == y[0] && x[1] == y[1] && x[2] == y[2] && x[3] == y[3];
}

static __always_inline int same_ends(const volatile struct trace_term *t, u32 a, u32 b)
{
	return t->value || (a == t->aport && b == t->bport);
}

static __always_inline int same_flow(const struct seen *s, const volatile struct trace_term *t)
{
	if (!t->value && (!has_ports(s->proto) || s->frag == 2))
		return 0;
	if (same_words(s->src, t->a) && same_words(s->dst, t->b) && same_ends(t, s->sport, s->dport))
		return 1;
	return same_words(s->src, t->b) && same_words(s->dst, t->a) && same_ends(t, s->dport, s->sport);
}

/* Terms about the packet's header never hold where there is none. */
static __always_inline int term_holds(const struct seen *s, const volatile struct trace_term *t)
{
	u32 name[4] = {};

	switch (t->kind) {
	case TERM_NONE:
		return 1;
	case TERM_FAMILY:
		return s->family == t->value;
	case TERM_PROTO:
		return s->family && (s->proto == t->value || s->proto == t->mask);
	case TERM_NET:
		return s->family && (((t->dir & TERM_SRC) && same_net(s->src, t)) || ((t->dir & TERM_DST) && same_net(s->dst, t)));
	case TERM_PORT:
		return s->family && has_ports(s->proto) && s->frag != 2 &&
		       (((t->dir & TERM_SRC) && s->sport == t->aport) || ((t->dir & TERM_DST) && s->dport == t->aport));
	case TERM_DEV:
		return same_words((const u32 *)s->dev, t->a);
	case TERM_MARK:
		return (s->mark & t->mask) == t->value;
	case TERM_PID:
		return bpf_get_current_pid_tgid() >> 32 == t->value;
	case TERM_COMM:
		bpf_get_current_comm(name, sizeof(name));
		return same_words(name, t->a);
	case TERM_FLOW:
		return s->family && same_flow(s, t);
	case TERM_NETNS:
		return !s->netns || s->netns == t->value;
	}
	return 0;
}

static __always_inline int matches(const struct seen *s)
{
#pragma clang loop unroll(full)
	for (u32 i = 0; i < TRACE_TERMS; i++) {
		if (filter[i].kind == TERM_NONE)
			break;
		if (!term_holds(s, &filter[i]))
			return 0;
	}
	return 1;
}
