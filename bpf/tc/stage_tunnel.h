/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The tunnel stage over an skb. */
#pragma once

#include "../include/state.h"
#include "../include/tunnel_stage.h"

#define TUNNEL_PULL 512 /* bytes behind the outer L4 header made linear at most: options, and the headers inside */

/* include/uapi/linux/bpf.h, enum bpf_adj_room_mode and flags of bpf_skb_adjust_room. */
#define ADJ_ROOM_MAC 1
#define ADJ_ROOM_FIXED_GSO 0x01
#define ADJ_ROOM_DECAP_IP4 0x80 /* 6.3 */
#define ADJ_ROOM_DECAP_IP6 0x100

static __always_inline struct cursor tunnel_at(struct __sk_buff *skb, u32 offset, u32 left)
{
	return tunnel_cursor((void *)(long)skb->data, (void *)(long)skb->data_end, offset, left);
}

static __always_inline void tunnel_pull(struct __sk_buff *skb, u32 l4)
{
	u32 want = l4 + TUNNEL_PULL;

	if (want > skb->len)
		want = skb->len;
	if (skb->data_end - skb->data < want && bpf_skb_pull_data(skb, want))
		stat_add(STAT_PULL_FAILED);
}

/* Whatever frame is inside. */
__noinline int ht_tun_ether(struct __sk_buff *skb)
{
	u32 zero = 0;
	struct tunnel_query *q = bpf_map_lookup_elem(&ht_tunnel, &zero);
	struct cursor c;

	if (!q)
		return 0;
	c = tunnel_at(skb, q->offset, q->inside);
	tunnel_ether(&c, q);
	return 0;
}

static __always_inline u32 outer_six(const struct tunnel_query *q)
{
	return q->w[0] || (u32)q->w[1] != 0xffff0000U;
}

/* Why the kernel did not take a header off. */
static __always_inline u32 refusal(const struct tunnel_query *q)
{
	if (q->l3 > sizeof(struct eth))
		return TERR_TAG;
	return outer_six(q) != q->six ? TERR_FAMILY : TERR_FAILED;
}

/* Writes the type of what comes behind the Ethernet header, which ends at `l3`; a failure changes nothing. */
static __always_inline long ether_type(struct __sk_buff *skb, u32 l3, u32 six)
{
	u16 type = six ? be16(ETHERTYPE_IP6) : be16(ETHERTYPE_IP4);

	return bpf_skb_store_bytes(skb, l3 - sizeof(type), &type, sizeof(type), 0);
}

/* Takes everything between the outer Ethernet header and the IP packet inside off the packet. The outer header stays because its
 * destination is the device. The kernel refuses where a tag stands in between, and before 6.3 where the packet inside is of the other
 * family. Segments keep their size: it is the inner connection's. */
__noinline int ht_tun_strip(struct __sk_buff *skb)
{
	u32 zero = 0, mixed;
	u64 flags = ADJ_ROOM_FIXED_GSO;
	struct tunnel_query *q = bpf_map_lookup_elem(&ht_tunnel, &zero);

	if (!q)
		return 0;
	mixed = outer_six(q) != q->six;
	if (mixed)
		flags |= q->six ? ADJ_ROOM_DECAP_IP6 : ADJ_ROOM_DECAP_IP4;
	/* The type first: it can be put back. With the header off and the type not written, an unwrapped packet would go on as the outer one. */
	if (mixed && q->l3 >= sizeof(u16) && ether_type(skb, q->l3, q->six))
		return 0;
	if (!bpf_skb_adjust_room(skb, -(int)(q->ip - q->l3), ADJ_ROOM_MAC, flags))
		return 1;
	if (mixed && q->l3 >= sizeof(u16) && ether_type(skb, q->l3, !q->six))
		stat_add(STAT_PULL_FAILED);
	return 0;
}

/* Returns TUNNEL_*, or 0. */
__noinline int ht_tun_stage(struct __sk_buff *skb, u32 gen)
{
	u32 zero = 0, slot = slot_of(gen);
	struct acl_image *img = bpf_map_lookup_elem(&ht_policy, &slot);
	struct tunnel_query *q = bpf_map_lookup_elem(&ht_tunnel, &zero);
	struct acl_query *k = bpf_map_lookup_elem(&ht_query, &zero);
	struct cursor c;

	if (!img || !q || !k || !tunnel_kind(img, q, gen))
		return 0;
	q->super = skb->gso_size;
	tunnel_pull(skb, q->l4);
	c = tunnel_at(skb, q->l4, q->left);
	tunnel_head(&c, q);
	if (tunnel_outer(q, gen)) {
		c = tunnel_at(skb, q->offset, q->inside);
		if (!tunnel_plain(&c, q))
			ht_tun_ether(skb);
		c = tunnel_at(skb, q->ip, q->left);
		tunnel_inside(&c, q, k);
	}
	if (tunnel_judge(img, q, k) && !ht_tun_strip(skb)) {
		q->strip = 0;
		q->why = refusal(q);
	}
	barrier();
	return tunnel_end(q, gen);
}

/* Where p was unwrapped it is the packet inside from here on, and pointers into the packet are void. */
static __always_inline void stage_tunnel(struct __sk_buff *skb, struct packet *p, u32 gen)
{
	if (tunnel_begin(p))
		tunnel_go_on(p, ht_tun_stage(skb, gen));
}
