/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The maps that all instances share. Sizes of 1 are placeholders: user space sets them (bpf/kern, sizes.go). Names begin
 * with ht_, which marks what is hooktop's. */
#pragma once

#include "acl_image.h"
#include "compat.h"
#include "config.h"
#include "tunnel_wire.h"
#include "wire.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct flow_bucket);
} ht_flows SEC(".maps");

/* By bucket of ht_flows. Not beside the entries: all tags of a CPU fit into its cache, where entries do not. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct flow_tags);
} ht_tags SEC(".maps");

/* By device slot. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct dev_counters);
} ht_devices SEC(".maps");

/* The ifindexes whose arriving packets are counted. Only they make a departing packet one that was counted before. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, DEV_SLOTS);
	__type(key, __u32);
	__type(value, __u32); /* device slot */
} ht_watched SEC(".maps");

/* By enum malformed. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, MAL_MAX);
	__type(key, __u32);
	__type(value, __u64);
} ht_malformed SEC(".maps");

/* By enum stat. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, STAT_MAX);
	__type(key, __u32);
	__type(value, __u64);
} ht_stats SEC(".maps");

/* Compiled policies, by slot. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, ACL_SLOTS);
	__type(key, __u32);
	__type(value, struct acl_image);
} ht_policy SEC(".maps");

/* By slot, shard and hit. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct acl_hits);
} ht_hits SEC(".maps");

/* By slot and hit. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, ACL_SLOTS * ACL_HITS);
	__type(key, __u32);
	__type(value, struct acl_pace);
} ht_paces SEC(".maps");

/* Ring buffers of policy_event. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(
		values, struct {
			__uint(type, BPF_MAP_TYPE_RINGBUF);
			__uint(max_entries, 4096);
		});
} ht_events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct acl_query);
} ht_query SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1);
	__type(key, struct seen_key);
	__type(value, __u32);
} ht_seen SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1);
	__type(key, struct bucket_key);
	__type(value, __u64);
} ht_buckets SEC(".maps");

/* By CPU and hash. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct denied_bucket);
} ht_denied SEC(".maps");

/* By bucket of ht_denied. Beside the entries for the same reason as ht_tags. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct denied_tags);
} ht_denied_tags SEC(".maps");

/* How many denied flows were judged anew in the second under way for the sake of their headers. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct acl_pace);
} ht_repeats SEC(".maps");

/* Marked packets, by slot, shard and leg. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct counter);
} ht_legs SEC(".maps");

/* What a dry run gives and gets, one frame at a time. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct shadow_io);
} ht_shadow SEC(".maps");

/* What is counted of tunnels. Rows are not driven out: a flood of forged ones is counted as STAT_TUNNEL_FULL. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, struct tunnel_key);
	__type(value, struct tunnel_row);
} ht_tunnels SEC(".maps");

/* By CPU and hash; see tunnel_lane.h. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct tunnel_lane);
} ht_lanes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, TUNNEL_SIZES);
	__type(key, __u32);
	__type(value, __u64);
} ht_sizes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct tunnel_query);
} ht_tunnel SEC(".maps");

/* The host's own addresses, as in flow_key: no packet inside a tunnel comes from them. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, struct own_key);
	__type(value, __u32);
} ht_own SEC(".maps");

/* A bit for each UDP port that a tunnel may be on, in whatever policy: one load keeps all other packets off the stage. */
volatile struct tunnel_ports tunnel_ports SEC(".data.ht_ports");

/* Most addresses are none of the host's: one load says so, where a hash lookup would be the dearest part of the stage. */
volatile struct own_bits own_bits SEC(".data.ht_own_bits");

/* By device slot. A global and not a lookup: its address is part of the instructions. */
volatile struct dev_state dev_states[DEV_SLOTS] SEC(".data.ht_state");

static __always_inline u32 hit_shard(void)
{
	return bpf_get_smp_processor_id() & hit_shards;
}

static __always_inline void counter_add(struct counter *c, u64 packets, u64 bytes)
{
	c->packets += packets;
	c->bytes += bytes;
}

static __always_inline void stat_count(enum stat which)
{
	u32 index = which;
	u64 *n = bpf_map_lookup_elem(&ht_stats, &index);

	if (n)
		*n += 1;
}

/* The same out of the way: for what hardly ever happens. */
static __noinline int stat_add(enum stat which)
{
	stat_count(which);
	return 0;
}
