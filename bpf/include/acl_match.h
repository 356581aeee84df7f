/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A packet against the records of its lists. A global function, so that the verifier follows it once. */
#pragma once

#include "ip.h"
#include "maps.h"

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

/* Looks at up to SCAN records of the query's runs, and takes down the first that decides. Returns 0 when there are more. One loop
 * over all runs, and where it is lies in the query: the verifier would follow it once for each place otherwise, and a call for
 * each run costs more than the run. */
__noinline int ht_acl_scan(u32 slot)
{
	u32 zero = 0;
	struct acl_image *img = bpf_map_lookup_elem(&ht_policy, &slot);
	struct acl_query *q = bpf_map_lookup_elem(&ht_query, &zero);

	if (!img || !q)
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
