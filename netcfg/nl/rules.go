// SPDX-License-Identifier: Apache-2.0

package nl

import (
	"fmt"
	"slices"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"hooktop/netcfg/chain"
)

// Attributes of ip rules that ours have, or that say nothing (linux/fib_rules.h), and struct fib_rule_hdr.
const (
	fraIIF         = 3
	fraPriority    = 6
	fraMark        = 10
	fraSuppressLen = 14 // each rule has one, -1: none
	fraTable       = 15
	fraMask        = 16
	fraPad         = 18
	fraProtocol    = 21
	fibRuleHdr     = 12
	ruleDetached   = 8 // FIB_RULE_IIF_DETACHED: the device is not there
	ruleToTable    = 1 // FR_ACT_TO_TBL
)

// Rules lists the ip rules of both families.
func (h *Host) Rules() ([]chain.Rule, error) {
	var all []chain.Rule
	for _, family := range families {
		var list []chain.Rule
		body := make([]byte, fibRuleHdr)
		body[0] = family
		err := h.dump(unix.NETLINK_ROUTE, unix.RTM_GETRULE, body, func() { list = nil }, func(kind uint16, p []byte) {
			if r, ok := decodeRule(p); ok && kind == unix.RTM_NEWRULE {
				list = append(list, r)
			}
		})
		if err != nil {
			return nil, fmt.Errorf("list ip rules: %w", err)
		}
		all = append(all, list...)
	}
	return all, nil
}

// decodeRule reads the payload of RTM_NEWRULE.
func decodeRule(p []byte) (chain.Rule, bool) {
	if len(p) < fibRuleHdr {
		return chain.Rule{}, false
	}
	r := chain.Rule{Six: p[0] == unix.AF_INET6, Table: uint32(p[4])}
	other := p[1] != 0 || p[2] != 0 || p[3] != 0 || p[7] != ruleToTable || native.Uint32(p[8:])&^ruleDetached != 0
	for t, v := range attrs(p[fibRuleHdr:]) {
		switch t {
		case fraPriority:
			r.Priority = u32(v)
		case fraMark:
			r.Mark = u32(v)
		case fraMask:
			r.Mask = u32(v)
		case fraTable:
			r.Table = u32(v)
		case fraIIF:
			r.From = text(v)
		case fraProtocol:
			if len(v) > 0 {
				r.Protocol = v[0]
			}
		case fraSuppressLen:
			other = other || u32(v) != 0xffffffff
		case fraPad:
		default: // a condition that ours have not; the kernel learns new ones
			other = true
		}
	}
	if other {
		r.Rest = string(p)
	}
	return r, p[0] == unix.AF_INET || p[0] == unix.AF_INET6
}

func ruleOf(r chain.Rule) *netlink.Rule {
	out := netlink.NewRule()
	out.Family, out.Priority, out.Table = familyOf(r.Six), int(r.Priority), int(r.Table)
	out.Mark, out.Mask, out.IifName, out.Protocol = r.Mark, &r.Mask, r.From, r.Protocol
	return out
}

// AddRule adds an ip rule. It never replaces: unix.EEXIST (errors.Is) when the same is there.
func (h *Host) AddRule(r chain.Rule) error {
	if err := h.handle.RuleAdd(ruleOf(r)); err != nil {
		return fmt.Errorf("add ip rule %s: %w", r, err)
	}
	return nil
}

// AddRuleAgain adds an ip rule beside one that is like it in everything, as the kernel lets who does not ask for it to be the only one.
func (h *Host) AddRuleAgain(r chain.Rule) error {
	body := make([]byte, fibRuleHdr)
	body[0], body[7] = byte(familyOf(r.Six)), ruleToTable
	for kind, v := range map[uint16]uint32{fraPriority: r.Priority, fraMark: r.Mark, fraMask: r.Mask, fraTable: r.Table} {
		body = append(body, attr(kind, native.AppendUint32(nil, v))...)
	}
	if r.From != "" {
		body = append(body, attr(fraIIF, zeroEnded(r.From))...)
	}
	body = append(body, attr(fraProtocol, []byte{r.Protocol})...)
	if err := h.change(unix.RTM_NEWRULE, unix.NLM_F_CREATE, body); err != nil {
		return fmt.Errorf("add ip rule %s once more: %w", r, err)
	}
	return nil
}

// RemoveRule deletes the first rule that has all that this one has: one that asks for still more may be it (net/core/fib_rules.c,
// rule_find). One that is gone is no error.
func (h *Host) RemoveRule(r chain.Rule) error {
	remove := func() error { return h.handle.RuleDel(ruleOf(r)) }
	if r.Rest != "" {
		remove = func() error { return h.change(unix.RTM_DELRULE, 0, []byte(r.Rest)) }
	}
	if err := remove(); err != nil && !isGone(err) {
		return fmt.Errorf("remove ip rule %s: %w", r, err)
	}
	return nil
}

// change asks for a change and waits until it is made.
func (h *Host) change(kind, flags uint16, body []byte) error {
	fd, err := h.socket(unix.NETLINK_ROUTE)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	message := request(kind, unix.NLM_F_REQUEST|unix.NLM_F_ACK|flags, 1, body)
	if err := unix.Sendto(fd, message, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return fmt.Errorf("send netlink request: %w", err)
	}
	return firstAck(fd)
}

// removeTries bounds how often rules are listed again: one of ours may have gone in the place of another.
const removeTries = 8

// removeRules deletes our rules that lead to a table, and says what they were.
func (h *Host) removeRules(table uint32) (removed []string, err error) {
	for range removeTries {
		rules, err := h.Rules()
		if err != nil {
			return removed, err
		}
		rules = slices.DeleteFunc(rules, func(r chain.Rule) bool { return !r.Own() || r.Table != table })
		if len(rules) == 0 {
			return removed, nil
		}
		first := len(removed) == 0
		for _, r := range rules {
			if err := h.RemoveRule(r); err != nil {
				return removed, err
			}
			if first {
				removed = append(removed, "ip rule "+r.String())
			}
		}
	}
	return removed, fmt.Errorf("remove ip rules of table %d: somebody adds them again: ip rule show table %d", table, table)
}
