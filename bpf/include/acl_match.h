/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A packet against the records of its lists. */
#pragma once

#include "acl_find.h"
#include "ip.h"
#include "maps.h"

#define NO_RECORD ACL_RECORDS
#define SCAN 32 /* records that one call looks at */

static __always_inline int within(u32 lo, u32 hi, u32 n)
{
	return lo <= n && n <= hi;
}

static __always_inline u32 has_bit(u64 word, u8 bit)
{
	return word >> (bit & 63) & 1;
}

static __always_inline u32 is_icmp(u32 proto)
{
	return proto == PROTO_ICMP || proto == PROTO_ICMP6;
}

static __always_inline u32 type_row(const struct acl_query *q, u32 proto)
{
	u32 kind = bounded(q->w[4], 0xff);

	if (proto == PROTO_ICMP)
		return kind;
	return proto == PROTO_ICMP6 ? 256 + kind : ACL_TYPE_ROWS - 1;
}

static __always_inline int side_matches(const struct acl_side *s, u32 interval, u32 lo, u32 hi, u8 set)
{
	return within(lo, hi, interval) && has_bit(s->sets[bounded(interval, ACL_BOUNDS - 1)], set);
}

/* What later fragments do not show. */
static __always_inline int deep_matches(const struct acl_image *img, const struct acl_record *r, const struct acl_query *q, u32 proto)
{
	u32 ports = is_icmp(proto) ? 0 : q->w[4];

	if (!within(r->sport_lo, r->sport_hi, be16(ports)) || !within(r->dport_lo, r->dport_hi, be16(ports >> 16)))
		return 0;
	if (!has_bit(img->type[type_row(q, proto)], r->type))
		return 0;
	return !(r->flags & RECORD_ESTABLISHED) || q->established;
}

static __always_inline int record_matches(const struct acl_image *img, const struct acl_record *r, const struct acl_query *q)
{
	u32 flags = r->flags, proto = q->w[4] >> 32 & 0xff, vni = q->w[4] >> 40, vlan = q->tag_dev & TAG_VLAN_MASK;

	if (side_matches(&img->side[0], q->interval[0], r->src_lo, r->src_hi, r->src) == !!(flags & RECORD_NOT_SRC) ||
	    side_matches(&img->side[1], q->interval[1], r->dst_lo, r->dst_hi, r->dst) == !!(flags & RECORD_NOT_DST))
		return 0;
	if (!(flags & (q->tag_dev & TAG_EGRESS ? RECORD_OUT : RECORD_IN)))
		return 0;
	if (!has_bit(img->proto[bounded(proto, 0xff)], r->proto) || !has_bit(img->dev[bounded(q->dev, ACL_DEVS - 1)], r->dev))
		return 0;
	if ((r->vlan && (r->vlan == vlan) == !!(flags & RECORD_NOT_VLAN)) || (r->vni && (r->vni == vni) == !!(flags & RECORD_NOT_VNI)))
		return 0;
	if (r->expires && bpf_ktime_get_boot_ns() >= r->expires)
		return 0;
	return q->tag_dev & TAG_FRAG_LATER ? !!(flags & RECORD_LATER) : deep_matches(img, r, q, proto);
}

/* The first chain that matches has the packet: legs are numbered in the order of the policy. */
static __always_inline void note_leg(struct acl_query *q, u32 leg)
{
	if (!q->leg || leg < q->leg)
		q->leg = leg;
}

static __always_inline u32 run_left(u32 run)
{
	return run >> LIST_OFFSET_BITS;
}

/* Adds a list to those that the packet is held against. */
static __always_inline void ask(struct acl_query *q, u32 list)
{
	q->run[bounded(q->runs, ACL_RUNS - 1)] = list;
	q->runs += nonzero(run_left(list));
}

static __always_inline u32 port_list(const struct acl_ports *p, u32 port)
{
	return p->list[bounded(p->class[bounded(port, ACL_PORTS - 1)], ACL_PORT_LISTS - 1)];
}

/* Finds the lists that the query is held against. */
static __always_inline void acl_lists(const struct acl_image *img, struct acl_query *q)
{
	acl_find(img, q);
	q->best = NO_RECORD;
	q->at = 0;
	q->runs = 0;
	ask(q, img->side[0].list[bounded(q->interval[0], ACL_BOUNDS - 1)]);
	ask(q, img->side[1].list[bounded(q->interval[1], ACL_BOUNDS - 1)]);
	if (q->tag_dev & TAG_FRAG_LATER) {
		ask(q, img->ports[0].later);
		ask(q, img->ports[1].later);
	} else {
		u32 ports = is_icmp(q->w[4] >> 32 & 0xff) ? 0 : q->w[4];

		ask(q, port_list(&img->ports[0], be16(ports)));
		ask(q, port_list(&img->ports[1], be16(ports >> 16)));
	}
	ask(q, img->wild);
	barrier();
}

/* Looks at up to SCAN records of the query's runs, and takes down the first that decides; finds the runs before unless they are `found`.
 * Returns 0 when there are more. One loop over all runs, and where it is lies in the query: the verifier would follow it once for each
 * place otherwise. One function for all of it: a call and its return cost as much as some records. */
__noinline int ht_acl_scan(u32 slot, u32 found)
{
	u32 zero = 0;
	struct acl_image *img = bpf_map_lookup_elem(&ht_policy, &slot);
	struct acl_query *q = bpf_map_lookup_elem(&ht_query, &zero);

	if (!img || !q)
		return 1;
	if (!found)
		acl_lists(img, q);
	if (!q->runs)
		return 1;
#pragma clang loop unroll(disable)
	for (u32 i = 0; i < SCAN; i++) {
		u32 at = bounded(q->at, ACL_RUNS - 1), run = q->run[at], number, counted;
		const struct acl_record *r;

		if (!run_left(run)) {
			q->at = ++at;
			if (at >= q->runs)
				return 1;
			at = bounded(at, ACL_RUNS - 1);
			run = q->run[at];
		}
		q->run[at] = run + 1 - (1 << LIST_OFFSET_BITS);
		number = img->list[bounded(run, ACL_LISTS - 1)];
		if (number >= q->best) { /* nor is any of those behind it before the best */
			q->run[at] = 0;
			continue;
		}
		r = &img->record[bounded(number, ACL_RECORDS - 1)];
		if (!record_matches(img, r, q))
			continue;
		if (r->flags & RECORD_CHAIN) {
			note_leg(q, r->hit);
			continue;
		}
		if (!(r->flags & RECORD_COUNT)) {
			q->best = number;
			q->run[at] = 0;
			continue;
		}
		counted = q->counted_n++;
		if (counted < JUDGED)
			q->counted[bounded(counted, JUDGED - 1)] = number;
	}
	return 0;
}
