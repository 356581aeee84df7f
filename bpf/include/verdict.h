/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The only place where a verdict is recorded: a flow's packet in its entry, everything else in its counter. */
#pragma once

#include "config.h"
#include "flow.h"
#include "maps.h"
#include "packet.h"

static __noinline int count_device(enum dev_count which, u32 len)
{
	u32 slot = dev_slot;
	struct dev_counters *d = bpf_map_lookup_elem(&ht_devices, &slot);

	if (d && which < DEV_COUNT_MAX)
		counter_add(&d->by[which], 1, len);
	else
		stat_add(STAT_LOOKUP_FAILED);
	return 0;
}

static __noinline int count_malformed(enum malformed why)
{
	u32 index = why;
	u64 *n = bpf_map_lookup_elem(&ht_malformed, &index);

	if (n)
		*n += 1;
	else
		stat_add(STAT_LOOKUP_FAILED);
	return 0;
}

/* Frames that belong to no flow. */
static __always_inline void count_other(u32 found, u32 len, u32 out)
{
	if (found == FOUND_NOT_IP) {
		count_device(out ? DEV_NONIP_OUT : DEV_NONIP_IN, len);
		return;
	}
	count_device(out ? DEV_MALFORMED_OUT : DEV_MALFORMED_IN, len);
	count_malformed(found);
}

/* The generation in force on this device, read once a packet. */
static __always_inline u32 generation(void)
{
	return dev_states[dev_slot & (DEV_SLOTS - 1)].gen;
}

/* `found`: what parse said. `out`: TAG_EGRESS or 0. */
static __always_inline void record(const struct packet *p, u32 found, u32 gen, u32 out, u64 flags)
{
	if (likely(!found))
		flow_account(p, gen, flags);
	else
		count_other(found, p->len, out);
}
