// SPDX-License-Identifier: Apache-2.0

package vmtest

import (
	"bytes"
	"debug/elf"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// modules that tests use on their devices and filters, where a kernel has them as modules. Nothing in a guest loads one
// on demand.
func modules() []string {
	return []string{"veth", "dummy", "vxlan", "geneve", "tun", "bridge", "8021q", "macvlan", "wireguard", "bonding",
		"ipip", "sit", "ip_gre", "ip6_tunnel", "ip6_gre", "fou",
		"sch_ingress", "cls_bpf", "cls_u32", "cls_matchall", "act_bpf", "act_gact", "act_mirred", "sch_netem",
		"inet_diag", "tcp_diag", "udp_diag", "raw_diag", "nf_conntrack", "nf_conntrack_netlink", "nf_tables", "nft_ct", "nft_chain_nat",
		"nft_reject_inet", "nft_counter"}
}

// module is a kernel module, not compressed.
type module struct {
	name string
	data []byte
}

// modules finds those that the kernel has, each after what it depends on: the packages have no modules.dep, the modules
// name their dependencies themselves.
func (img Image) modules(names []string) ([]module, error) {
	r := &resolver{files: map[string]string{}, seen: map[string]bool{}}
	for _, top := range []string{"lib/modules", "usr/lib/modules"} {
		err := filepath.WalkDir(filepath.Join(img.Dir, top), func(path string, d fs.DirEntry, err error) error {
			if os.IsNotExist(err) {
				return nil
			}
			if stem, _, ok := strings.Cut(filepath.Base(path), ".ko"); ok && err == nil {
				r.files[moduleName(stem)] = path
			}
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("list modules of %s: %w", img.Release, err)
		}
	}
	for _, name := range names {
		if err := r.visit(name); err != nil {
			return nil, fmt.Errorf("read module %s of %s: %w", name, img.Release, err)
		}
	}
	return r.order, nil
}

func moduleName(stem string) string { return strings.ReplaceAll(stem, "-", "_") }

type resolver struct {
	files map[string]string
	seen  map[string]bool
	order []module
}

func (r *resolver) visit(name string) error {
	name = moduleName(name)
	path, ok := r.files[name]
	if r.seen[name] || !ok { // not there: built in, or not in this kernel
		return nil
	}
	r.seen[name] = true
	data, err := readModule(path)
	if err != nil {
		return err
	}
	needs, err := dependencies(data)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	for _, n := range needs {
		if err := r.visit(n); err != nil {
			return err
		}
	}
	r.order = append(r.order, module{name, data})
	return nil
}

func readModule(path string) ([]byte, error) {
	if !strings.HasSuffix(path, ".xz") {
		return os.ReadFile(path)
	}
	data, err := exec.Command("xz", "-dc", path).Output()
	if err != nil {
		return nil, fmt.Errorf("xz -dc %s: %w", path, err)
	}
	return data, nil
}

// dependencies reads depends= and the "pre:" part of softdep= in a module's .modinfo.
func dependencies(data []byte) ([]string, error) {
	file, err := elf.NewFile(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	section := file.Section(".modinfo")
	if section == nil {
		return nil, fmt.Errorf("no .modinfo")
	}
	info, err := section.Data()
	if err != nil {
		return nil, err
	}
	var all []string
	for field := range bytes.SplitSeq(info, []byte{0}) {
		key, value, _ := strings.Cut(string(field), "=")
		switch key {
		case "depends":
			all = append(all, strings.FieldsFunc(value, func(c rune) bool { return c == ',' })...)
		case "softdep":
			pre := false
			for word := range strings.FieldsSeq(value) {
				switch {
				case strings.HasSuffix(word, ":"):
					pre = word == "pre:"
				case pre:
					all = append(all, word)
				}
			}
		}
	}
	return all, nil
}
