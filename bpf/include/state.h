/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which generation decides on this device, and what is counted by device. */
#pragma once

#include "config.h"
#include "maps.h"

/* What decides on this device. Asked for once a packet: each time costs five instructions. */
static __always_inline volatile struct dev_state *dev_state(void)
{
	volatile struct dev_state *st = &dev_states[dev_slot & (DEV_SLOTS - 1)];

	barrier_var(st);
	return st;
}

/* The generation in force, read once a packet: the one on trial until the lease ends, then the kept one again. Whoever wrote
 * the word may be gone by then. 0: no policy. The end is compared as a difference: a word that nobody writes again for 2^31
 * ticks after its end (24 days at 1,000 Hz) would be in force once more. A living hooktop writes it within a second. */
static __always_inline u32 generation(volatile struct dev_state *st)
{
	u64 word = st->word;
	u32 trial = word >> 48, kept = word >> 32 & 0xffff;

	if (unlikely(trial != kept) && (int)((u32)bpf_jiffies64() - (u32)word) >= 0)
		return kept;
	return trial;
}

/* Whether a verdict of the generation that a flow met at `last`, the low half of jiffies, holds: none of its rules has ended since. */
static __always_inline int holds(volatile struct dev_state *st, u32 gen, u64 now, u32 last)
{
	u32 kept;

	if (likely(!gen))
		return 1;
	kept = gen != (u32)(st->word >> 48);
	return now < st->expiry[kept] && now - (u32)((u32)now - last) >= st->since[kept];
}

static __always_inline void device_count(enum dev_count which, u32 len)
{
	u32 slot = dev_slot;
	struct dev_counters *d = bpf_map_lookup_elem(&ht_devices, &slot);

	if (d && which < DEV_COUNT_MAX)
		counter_add(&d->by[which], 1, len);
	else
		stat_add(STAT_LOOKUP_FAILED);
}

/* The same out of the way. */
static __noinline int count_device(enum dev_count which, u32 len)
{
	device_count(which, len);
	return 0;
}
