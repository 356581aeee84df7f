// SPDX-License-Identifier: Apache-2.0

package nl

import (
	"errors"
	"fmt"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"hooktop/probes/snap"
)

// Parents of the two halves of a clsact qdisc.
const (
	parentIngress = netlink.HANDLE_MIN_INGRESS
	parentEgress  = netlink.HANDLE_MIN_EGRESS
)

func parentOf(egress bool) uint32 {
	if egress {
		return parentEgress
	}
	return parentIngress
}

func clsact(ifindex int) *netlink.Clsact {
	return &netlink.Clsact{QdiscAttrs: netlink.QdiscAttrs{
		LinkIndex: ifindex,
		Handle:    netlink.MakeHandle(0xffff, 0),
		Parent:    netlink.HANDLE_CLSACT,
	}}
}

// EnsureClsact adds a clsact qdisc unless the device has one; made says whether this call added it.
func (h *Host) EnsureClsact(ifindex int) (made bool, err error) {
	err = h.handle.QdiscAdd(clsact(ifindex)) // NLM_F_EXCL: never replaces
	if err == nil {
		return true, nil
	}
	// EEXIST: the device has a clsact, or the older ingress qdisc, which takes filters on its ingress half only.
	if !errors.Is(err, unix.EEXIST) {
		return false, fmt.Errorf("add clsact qdisc to device %d: %w", ifindex, err)
	}
	switch have, err := h.hasClsact(ifindex); {
	case err != nil:
		return false, err
	case !have:
		return false, fmt.Errorf("add clsact qdisc to device %d: another ingress qdisc sits there: %w", ifindex, unix.EEXIST)
	}
	return false, nil
}

func (h *Host) hasClsact(ifindex int) (bool, error) {
	found := false
	body := make([]byte, sizeofTcMsg)
	err := h.dump(unix.NETLINK_ROUTE, unix.RTM_GETQDISC, body, func() { found = false }, func(kind uint16, p []byte) {
		if kind != unix.RTM_NEWQDISC || len(p) < sizeofTcMsg || int(int32(native.Uint32(p[4:]))) != ifindex {
			return
		}
		for t, v := range attrs(p[sizeofTcMsg:]) {
			found = found || t == tcaKind && text(v) == "clsact"
		}
	})
	if err != nil {
		return false, fmt.Errorf("list qdiscs: %w", err)
	}
	return found, nil
}

// AttachFilter adds a direct-action filter on an existing clsact qdisc with f.Prio, f.Handle, f.Name and the program
// f.FD. It never replaces: unix.EEXIST (errors.Is) when prio and handle are taken.
func (h *Host) AttachFilter(f snap.Filter) error {
	err := h.handle.FilterAdd(&netlink.BpfFilter{
		FilterAttrs: netlink.FilterAttrs{
			LinkIndex: f.Index, Parent: parentOf(f.Egress), Handle: f.Handle, Priority: f.Prio, Protocol: unix.ETH_P_ALL,
		},
		Fd: f.FD, Name: f.Name, DirectAction: true,
	})
	if err != nil {
		return fmt.Errorf("add filter %s to device %d: %w", f.Name, f.Index, err)
	}
	return nil
}

// ListFilters lists the BPF filters of both directions; nil when the device has no clsact qdisc or is gone.
func (h *Host) ListFilters(ifindex int) ([]snap.Filter, error) {
	var all []snap.Filter
	for _, egress := range []bool{false, true} {
		half, err := h.filters(ifindex, egress)
		if err != nil {
			return nil, err
		}
		for _, f := range half {
			if f.kind == "bpf" && f.Handle != 0 {
				all = append(all, f.Filter)
			}
		}
	}
	return all, nil
}

// RemoveFilter deletes the filter that has all of Index, Egress, Prio, Handle and Name. One that is already gone is no
// error; one with another name is left alone and is an error.
func (h *Host) RemoveFilter(f snap.Filter) error {
	half, err := h.filters(f.Index, f.Egress)
	if err != nil {
		return err
	}
	for _, have := range half {
		if have.Prio != f.Prio || have.Handle != f.Handle {
			continue
		}
		if have.Name != f.Name {
			return fmt.Errorf("remove filter %q of device %d: prio %d handle %#x belongs to %q", f.Name, f.Index, f.Prio, f.Handle, have.Name)
		}
		err := h.handle.FilterDel(&netlink.GenericFilter{
			FilterAttrs: netlink.FilterAttrs{
				LinkIndex: f.Index, Parent: parentOf(f.Egress), Handle: f.Handle, Priority: f.Prio, Protocol: have.protocol,
			},
			FilterType: "bpf",
		})
		if err != nil && !isGone(err) {
			return fmt.Errorf("remove filter %s of device %d: %w", f.Name, f.Index, err)
		}
		return nil
	}
	return nil
}

// RemoveClsact deletes the clsact qdisc if no filter of any kind is left on it; removed says whether it did. A device
// without one is no error. The kernel has no "delete if empty": a filter added by others between look and deletion would
// go with the qdisc.
func (h *Host) RemoveClsact(ifindex int) (removed bool, err error) {
	have, err := h.hasClsact(ifindex)
	if err != nil || !have {
		return false, err
	}
	for _, egress := range []bool{false, true} {
		left, err := h.filters(ifindex, egress)
		if err != nil || len(left) > 0 {
			return false, err
		}
	}
	err = h.handle.QdiscDel(clsact(ifindex))
	if err != nil && !isGone(err) {
		return false, fmt.Errorf("remove clsact qdisc of device %d: %w", ifindex, err)
	}
	return err == nil, nil
}

// isGone says that the device, qdisc or filter does not exist (any more).
func isGone(err error) bool {
	return errors.Is(err, unix.ENODEV) || errors.Is(err, unix.ENOENT)
}
