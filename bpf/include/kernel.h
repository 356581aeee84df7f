/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The few fields of kernel structs that the trace reads. Offsets are the running kernel's: the loader relocates each access
 * by BTF (CO-RE), so that neither order nor size of what is left out matters. */
#pragma once

#include "compat.h"
#include "trace_config.h"

#define CORE __attribute__((preserve_access_index))

struct ns_common {
	unsigned int inum;
} CORE;

struct net {
	struct ns_common ns;
} CORE;

typedef struct CORE {
	struct net *net;
} possible_net_t;

struct net_device {
	char name[16];
	int ifindex;
	possible_net_t nd_net;
} CORE;

struct in6_addr {
	u32 word[4];
};

struct sock_common {
	u32 skc_daddr;
	u32 skc_rcv_saddr;
	u16 skc_dport; /* network order */
	u16 skc_num;   /* host order */
	u16 skc_family;
	u8 skc_state;
	possible_net_t skc_net;
	struct in6_addr skc_v6_daddr;
	struct in6_addr skc_v6_rcv_saddr;
} CORE;

struct sock {
	struct sock_common __sk_common;
	u16 sk_protocol;
} CORE;

struct inet_sock {
	u16 inet_sport; /* network order; stays when the port is given back */
} CORE;

struct sk_buff {
	struct net_device *dev; /* shares its place with links of queues: see dev_of */
	struct sock *sk;
	unsigned int len;
	u16 protocol; /* network order */
	u16 network_header;
	u16 vlan_tci;
	u32 vlan_all; /* 6.2: a tag is there when it is not 0 */
	u32 mark;
	u32 end;
	unsigned char *head;
	unsigned char *data;
} CORE;

typedef struct CORE {
	int counter;
} atomic_t;

struct skb_shared_info {
	atomic_t dataref;
} CORE;

/* amd64. */
struct pt_regs {
	unsigned long di, si, dx, cx, r8, ax, ip, sp;
} CORE;

/* arm64. The loader takes the name up to ___. */
struct pt_regs___arm64 {
	unsigned long long regs[31], sp, pc;
} CORE;

/* bpf_core_field_exists: BPF_FIELD_EXISTS of the kernel's enum bpf_field_info_kind. */
#define field_exists(field) __builtin_preserve_field_info(field, 2)

/* Reads one field; what lies at a wrong address reads as 0. */
#define READ_AT(p, field)                                                                                              \
	({                                                                                                             \
		typeof((p)->field) __v = 0;                                                                            \
		bpf_probe_read_kernel(&__v, sizeof(__v), __builtin_preserve_access_index(&(p)->field));                \
		__v;                                                                                                   \
	})

/* The same of a pointer that the kernel gave with its type, or that was read from such a one: `direct` programs load it
 * like any other memory, a fault reads as 0, and no helper is called. */
#define READ(p, field)                                                                                                 \
	({                                                                                                             \
		typeof((p)->field) __f;                                                                                \
		if (direct)                                                                                            \
			__f = (p)->field;                                                                              \
		else                                                                                                   \
			__f = READ_AT(p, field);                                                                       \
		__f;                                                                                                   \
	})
