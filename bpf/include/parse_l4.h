/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* TCP, UDP, SCTP, ICMP and ICMPv6: the ports' word of the key, and TCP flags. Everything else is its protocol number. */
#pragma once

#include "ip.h"
#include "packet.h"

struct tcp {
	u32 ports;
	u32 seq;
	u32 ack;
	u8 off; /* header length in 4-byte units << 4 */
	u8 flags;
	u16 window;
	u32 check_urgent;
};

struct udp {
	u32 ports;
	u16 len;
	u16 check;
};

struct sctp {
	u32 ports;
	u32 vtag;
	u32 check;
};

struct icmp {
	u16 type_code;
	u16 check;
	u32 rest;
};

/* True when the next `size` bytes are neither in the frame nor in the packet. A macro: the verifier wants to see it. */
#define SHORT_OF(c, header) ((void *)((header) + 1) > (c)->end || (c)->left < sizeof(*(header)))

/* A first fragment must hold the L4 header, or a rule on ports could be evaded (RFC 1858, RFC 7112). */
static __always_inline u32 short_l4(const struct packet *p)
{
	return p->frag ? MAL_FRAG_TINY : MAL_SHORT_L4;
}

static __always_inline u32 parse_tcp(struct cursor *c, struct packet *p, u32 *ports)
{
	struct tcp *tcp = c->pos;
	u32 head;

	if (unlikely(SHORT_OF(c, tcp)))
		return short_l4(p);
	head = (tcp->off >> 4) * 4;
	if (unlikely(head < sizeof(*tcp) || (head > c->left && !p->frag)))
		return MAL_TCP_DOFF;
	*ports = tcp->ports;
	p->tcp_flags = tcp->flags;
	return 0;
}

/* Length 0 is legal above 65,535 bytes only (RFC 2675). A first fragment's length is that of the whole datagram. */
static __always_inline u32 parse_udp(struct cursor *c, struct packet *p, u32 *ports)
{
	struct udp *udp = c->pos;
	u32 len;

	if (unlikely(SHORT_OF(c, udp)))
		return short_l4(p);
	len = be16(udp->len);
	if (unlikely(len < sizeof(*udp) && (len || c->left <= 65535)))
		return MAL_UDP_LEN;
	if (unlikely(len > c->left && !p->frag))
		return MAL_UDP_LEN;
	*ports = udp->ports;
	return 0;
}

/* `vni_proto`: as in flow_key. */
static __always_inline u32 parse_l4(struct cursor *c, struct packet *p, u32 vni_proto)
{
	u32 ports = 0, why, proto = vni_proto & 0xff;

	if (unlikely(p->frag & TAG_FRAG_LATER)) {
		/* its payload is no header */
	} else if (likely(proto == PROTO_TCP)) {
		why = parse_tcp(c, p, &ports);
		if (unlikely(why))
			return why;
	} else if (proto == PROTO_UDP) {
		why = parse_udp(c, p, &ports);
		if (unlikely(why))
			return why;
	} else if (proto == PROTO_SCTP) {
		struct sctp *sctp = c->pos;

		if (SHORT_OF(c, sctp))
			return short_l4(p);
		ports = sctp->ports;
	} else if (proto == PROTO_ICMP || proto == PROTO_ICMP6) {
		struct icmp *icmp = c->pos;

		if (SHORT_OF(c, icmp))
			return short_l4(p);
		ports = icmp->type_code; /* as on the wire, like ports */
	}
	p->w[4] = ports | (u64)vni_proto << 32;
	p->hash += ports * hash_seed[8] + vni_proto * hash_seed[9];
	return 0;
}
