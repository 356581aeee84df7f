/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What an sk_buff, or a sock, tells at the moment it passes: read through probes, so that nothing of it need be right. */
#pragma once

#include "ip.h"
#include "kernel.h"
#include "wire.h"

#define ETH_IP4 0x0800
#define ETH_IP6 0x86dd
#define AF_INET 2
#define AF_INET6 10
#define TCP_TIME_WAIT 6
#define TCP_NEW_SYN_RECV 12
#define NS_INUM_MIN 0xefff0000U /* inodes of namespaces begin there (fs/proc/generic.c, include/uapi/linux/nsfs.h) */
#define SEEN_EXT 4              /* IPv6 extension headers followed */

struct seen {
	u32 src[4];
	u32 dst[4];
	u16 sport;
	u16 dport;
	u8 proto;
	u8 frag;
	u16 vlan;
	u32 family; /* 4, 6, 0: unknown, and nothing above holds */
	u32 len;
	u32 mark;
	u32 ifindex;
	u32 netns;
	u32 print; /* of what stays the same on the way of one packet and differs from the next of its flow */
	u64 head;
	char dev[16];
};

/* Zeroes s, by a zero that the verifier does not know to be one: it would follow the rest once for each set of fields that
 * a packet filled. Process ids are 22 bits. */
static __always_inline void see_nothing(struct seen *s)
{
	u64 *word = (u64 *)s, zero = bpf_get_current_pid_tgid() >> 63;

#pragma clang loop unroll(full)
	for (u32 i = 0; i < sizeof(*s) / sizeof(*word); i++)
		word[i] = zero;
}

static __always_inline void set_ip4(u32 *to, u32 addr)
{
	to[0] = 0;
	to[1] = 0;
	to[2] = 0xffff0000;
	to[3] = addr;
}

static __always_inline int has_ports(u32 proto)
{
	return proto == PROTO_TCP || proto == PROTO_UDP || proto == PROTO_SCTP || proto == PROTO_UDPLITE;
}

/* Ports or ICMP type and code, and the print: sequence numbers of TCP and ICMP, length and checksum of UDP. */
static __always_inline void see_l4(struct seen *s, const void *at)
{
	u32 l4[3] = {};

	if (s->frag == 2 || bpf_probe_read_kernel(l4, sizeof(l4), at))
		return;
	if (has_ports(s->proto)) {
		s->sport = l4[0];
		s->dport = l4[0] >> 16;
		s->print ^= l4[1] * 0x9e3779b1U ^ (s->proto == PROTO_TCP ? l4[2] : 0);
	} else if (s->proto == PROTO_ICMP || s->proto == PROTO_ICMP6) {
		s->sport = l4[0];
		s->print ^= l4[1] * 0x9e3779b1U ^ (l4[0] & 0xffff);
	}
}

/* `left` is what the sk_buff holds from the header on. */
static __always_inline int see_ip4(struct seen *s, const void *at, u32 left)
{
	struct ip4 ip;
	u32 head, total, off;

	if (bpf_probe_read_kernel(&ip, sizeof(ip), at))
		return 0;
	head = (ip.vihl & 15) * 4;
	total = be16(ip.tot_len);
	if (ip.vihl >> 4 != 4 || head < sizeof(ip) || total > left || (total < head && total))
		return 0;
	off = be16(ip.frag_off);
	s->frag = off & 0x1fff ? 2 : off & 0x2000 ? 1 : 0;
	s->family = 4;
	s->proto = ip.protocol;
	s->print = ip.id;
	set_ip4(s->src, ip.src);
	set_ip4(s->dst, ip.dst);
	see_l4(s, at + head);
	return 1;
}

static __always_inline int see_ip6(struct seen *s, const void *at, u32 left)
{
	struct ip6 ip;
	u32 next;

	if (bpf_probe_read_kernel(&ip, sizeof(ip), at))
		return 0;
	if ((ip.flow & 0xf0) != 0x60 || be16(ip.payload_len) + sizeof(ip) > left)
		return 0;
	s->family = 6;
	__builtin_memcpy(s->src, ip.src, sizeof(s->src));
	__builtin_memcpy(s->dst, ip.dst, sizeof(s->dst));
	next = ip.next;
	at += sizeof(ip);
#pragma clang loop unroll(full)
	for (u32 i = 0; i < SEEN_EXT; i++) {
		struct ip6_ext ext;

		if (!is_ip6_ext(next) || s->frag == 2 || bpf_probe_read_kernel(&ext, sizeof(ext), at))
			break;
		if (next == NEXT_FRAGMENT)
			s->frag = be16(ext.off) & 0xfff8 ? 2 : be16(ext.off) & 1;
		at += ip6_ext_size(next, ext.len);
		next = ext.next;
	}
	s->proto = next;
	see_l4(s, at);
	return 1;
}

/* The device that dev points to, if it is one: while an sk_buff is in a queue of TCP or UDP the field is a link of it. */
static __always_inline void see_dev(struct seen *s, struct net_device *dev)
{
	struct net *net = READ(dev, nd_net.net);
	u32 inum = READ(net, ns.inum);

	if (inum < NS_INUM_MIN)
		return;
	s->netns = inum;
	s->ifindex = READ(dev, ifindex);
	if (direct) {
		const u64 *name = (const u64 *)__builtin_preserve_access_index(&dev->name);

		*(u64 *)s->dev = name[0];
		*(u64 *)(s->dev + 8) = name[1];
	} else {
		bpf_probe_read_kernel(s->dev, sizeof(s->dev), __builtin_preserve_access_index(&dev->name));
	}
}

/* The connection of a socket, as its own packets have it. */
static __always_inline void see_sock(struct seen *s, struct sock *sk)
{
	u32 family = READ(sk, __sk_common.skc_family), state = READ(sk, __sk_common.skc_state);
	struct net *net = READ(sk, __sk_common.skc_net.net);

	if (family != AF_INET && family != AF_INET6)
		return;
	if (net && !s->netns)
		s->netns = READ(net, ns.inum);
	s->sport = be16(READ(sk, __sk_common.skc_num));
	s->dport = READ(sk, __sk_common.skc_dport);
	if (!s->dport)
		return;
	s->proto = PROTO_TCP;
	if (state != TCP_TIME_WAIT && state != TCP_NEW_SYN_RECV) { /* those are smaller structs */
		s->proto = READ(sk, sk_protocol);
		if (!s->sport)
			s->sport = READ_AT((struct inet_sock *)sk, inet_sport);
	}
	if (family == AF_INET) {
		set_ip4(s->src, READ(sk, __sk_common.skc_rcv_saddr));
		set_ip4(s->dst, READ(sk, __sk_common.skc_daddr));
		s->family = 4;
		return;
	}
	bpf_probe_read_kernel(s->src, 16, __builtin_preserve_access_index(&sk->__sk_common.skc_v6_rcv_saddr));
	bpf_probe_read_kernel(s->dst, 16, __builtin_preserve_access_index(&sk->__sk_common.skc_v6_daddr));
	s->family = !s->src[0] && !s->src[1] && s->src[2] == 0xffff0000 ? 4 : 6;
}

/* The namespace of a packet without device: its socket's. */
static __always_inline void see_netns(struct seen *s, struct sk_buff *skb)
{
	struct sock *sk = READ(skb, sk);
	struct net *net = sk ? READ(sk, __sk_common.skc_net.net) : NULL;
	u32 inum = net ? READ(net, ns.inum) : 0;

	if (inum >= NS_INUM_MIN)
		s->netns = inum;
}

static __always_inline int see_ip(struct seen *s, u32 protocol, const void *at, u32 left)
{
	return protocol == be16(ETH_IP4) ? see_ip4(s, at, left) : see_ip6(s, at, left);
}

static __always_inline void see_skb(struct seen *s, struct sk_buff *skb)
{
	struct net_device *dev = READ(skb, dev);
	u32 protocol = READ(skb, protocol), network = READ(skb, network_header);
	void *head = READ(skb, head), *data = READ(skb, data);
	struct sock *sk;

	s->len = READ(skb, len);
	s->mark = READ(skb, mark);
	s->head = (u64)head;
	if (dev)
		see_dev(s, dev);
	if (!s->netns)
		see_netns(s, skb);
	if (field_exists(skb->vlan_all)) {
		if (READ(skb, vlan_all))
			s->vlan = READ(skb, vlan_tci) & TAG_VLAN_MASK;
	}
	/* The protocol is set when an arriving packet leaves its driver, or a departing one its header complete. */
	if (protocol == be16(ETH_IP4) || protocol == be16(ETH_IP6)) {
		if (network && see_ip(s, protocol, head + network, s->len + (u32)(data - (head + network))))
			return;
		if (see_ip(s, protocol, data, s->len))
			return;
	}
	/* A departing packet without header is one of its socket's; on an arriving one the socket is the other end. */
	sk = protocol ? NULL : READ(skb, sk);
	if (sk)
		see_sock(s, sk);
}

/* Whether no other sk_buff shares the data, which begins at `head`. skb_shared_info lies at its end. */
static __always_inline int is_sole(struct sk_buff *skb, u64 head)
{
	struct skb_shared_info *info = (void *)(head + READ(skb, end));

	/* The upper half counts those that use the payload only. */
	return (READ_AT(info, dataref.counter) & 0xffff) == 1;
}
