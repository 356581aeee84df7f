// SPDX-License-Identifier: Apache-2.0

package nl

// HasClsact reports whether a device has a clsact (or ingress) qdisc. A device that is gone has none.
func (h *Host) HasClsact(ifindex int) (bool, error) { return h.hasClsact(ifindex) }
