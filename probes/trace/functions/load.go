// SPDX-License-Identifier: Apache-2.0

package functions

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"hooktop/probes/trace/types"
)

// Load reads what the kernel can trace. It fails where the kernel has no type information (BTF), without which hooktop's
// programs cannot read a packet. Whatever else cannot be read is told by Lacks and Notes.
func Load(o Options) (*Catalog, error) {
	src := o.sources()
	defer src.close()
	c := &Catalog{symbols: lazySymbols(src.path("/proc/kallsyms"))}
	if err := c.loadTypes(src.path("/sys/kernel/btf")); err != nil {
		return nil, err
	}
	c.lacks = src.lacks()
	b := builder{c: c}
	b.addTypes()
	if c.lacks == "" {
		b.addTraceable(src)
	}
	groups, err := src.groups()
	if err != nil {
		c.notes = append(c.notes, "groups of tracepoints: "+err.Error())
	}
	b.build(groups)
	return c, nil
}

func (c *Catalog) loadTypes(dir string) error {
	blob, err := os.ReadFile(filepath.Join(dir, "vmlinux"))
	if errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("read the kernel's types: it has no BTF (%w): tracing needs a kernel built with CONFIG_DEBUG_INFO_BTF=y", err)
	}
	if err != nil {
		return fmt.Errorf("read the kernel's types: %w", err)
	}
	base, err := types.Parse(blob, nil)
	if err != nil {
		return fmt.Errorf("read the kernel's types from %s: %w", filepath.Join(dir, "vmlinux"), err)
	}
	c.mods = []module{{types: base}}
	files, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("read the types of modules: %w", err)
	}
	for _, f := range files {
		if f.Name() == "vmlinux" {
			continue
		}
		if err := c.loadModule(dir, f.Name()); err != nil && !errors.Is(err, os.ErrNotExist) { // unloaded meanwhile
			c.notes = append(c.notes, "signatures of module "+f.Name()+": "+err.Error())
		}
	}
	return nil
}

func (c *Catalog) loadModule(dir, name string) error {
	blob, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		return err
	}
	set, err := types.Parse(blob, c.mods[0].types)
	if err != nil {
		return err
	}
	c.mods = append(c.mods, module{name: strings.Clone(name), types: set})
	return nil
}

// candidate is a name before it is known whether it can be traced: once from the types, once from each listing.
type candidate struct {
	name   string
	typ    types.ID
	mod    uint16
	skb    int8
	event  bool
	listed bool // from the list of what can be attached to
}

type builder struct {
	c      *Catalog
	found  []candidate
	forbid map[string]bool
}

// The kernel has a typedef for each tracepoint (include/trace/bpf_probe.h), and a function that runs what is attached to it
// (include/linux/tracepoint.h), which takes the same and names it.
const (
	typedefOf = "btf_trace_"
	runnerOf  = "__traceiter_"
)

// addTypes takes functions and tracepoints from the types.
func (b *builder) addTypes() {
	for i, m := range b.c.mods {
		runner := map[string]types.ID{}
		from := len(b.found)
		b.found = slices.Grow(b.found, m.types.Len()/2)
		m.types.All(func(id types.ID, kind types.Kind, name string) {
			f := candidate{name: name, typ: id, mod: uint16(i)}
			switch {
			case !plain([]byte(name)):
				return
			case kind == types.Func:
				f.skb = int8(m.types.PointerSlot(id, "sk_buff", 0))
				if event, ok := strings.CutPrefix(name, runnerOf); ok {
					runner[event] = id
				}
			case kind == types.Typedef && strings.HasPrefix(name, typedefOf):
				f.name, f.event, f.skb = name[len(typedefOf):], true, int8(m.types.PointerSlot(id, "sk_buff", 1))
			default:
				return
			}
			b.found = append(b.found, f)
		})
		for j := range b.found[from:] {
			if f := &b.found[from+j]; f.event {
				f.typ = cmp.Or(runner[f.name], f.typ)
			}
		}
	}
	b.c.reasons, b.c.subsys = dropReasons(b.c.mods)
}

// addTraceable takes the names that can be attached to from the kernel's list, or where that is not to be had from its symbols,
// which have some more that refuse.
func (b *builder) addTraceable(src *sources) {
	b.forbid = src.forbidden()
	dir, err := src.dir(traceFS())
	if err == nil {
		err = b.addListing(filepath.Join(dir, "available_filter_functions"), eachListed)
	}
	if err == nil {
		return
	}
	b.c.notes = append(b.c.notes, "functions that can be attached to are taken from the kernel's symbols, and some may refuse: "+err.Error())
	err = b.addListing(src.path("/proc/kallsyms"), func(r io.Reader, visit func(name, module []byte)) {
		eachSymbol(r, func(_ uint64, name, module []byte) {
			if !bytes.HasSuffix(name, []byte(".cold")) { // the unlikely part of a function, which nobody calls
				visit(name, module)
			}
		})
	})
	if err != nil {
		b.c.notes = append(b.c.notes, err.Error())
	}
}

func (b *builder) addListing(path string, each func(io.Reader, func(name, module []byte))) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("read %s: %w", filepath.Base(path), cause(err))
	}
	defer f.Close()
	mods := map[string]uint16{}
	for i, m := range b.c.mods {
		mods[m.name] = uint16(i)
	}
	before := len(b.found)
	each(f, func(name, mod []byte) {
		at, ok := mods[string(mod)]
		if !ok && len(b.c.mods) < 1<<16 {
			at = uint16(len(b.c.mods))
			b.c.mods = append(b.c.mods, module{name: string(mod)})
			mods[string(mod)] = at
		}
		b.found = append(b.found, candidate{name: string(name), mod: at, skb: -1, listed: true})
	})
	if len(b.found) == before {
		return fmt.Errorf("read %s: it lists no function", filepath.Base(path))
	}
	return nil
}

// build sorts the candidates, and makes one entry of each name.
func (b *builder) build(groups map[string]string) {
	for i := range b.found {
		if f := &b.found[i]; f.event && groups[f.name] != "" {
			f.name = groups[f.name] + ":" + f.name
		}
	}
	slices.SortFunc(b.found, func(x, y candidate) int {
		return cmp.Or(strings.Compare(x.name, y.name), less(y.event, x.event), cmp.Compare(x.mod, y.mod), cmp.Compare(y.typ, x.typ))
	})
	var names []byte
	for rest := b.found; len(rest) > 0; {
		n := 1
		for n < len(rest) && rest[n].name == rest[0].name && rest[n].event == rest[0].event {
			n++
		}
		e := b.merge(rest[:n])
		e.name, e.size = uint32(len(names)), uint8(len(rest[0].name))
		names = append(names, rest[0].name...)
		b.c.entries = append(b.c.entries, e)
		rest = rest[n:]
	}
	b.c.names, b.c.entries = string(names), slices.Clip(b.c.entries)
	b.c.index()
}

func less(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// merge makes the entry of one name: of the function that can be attached to, with the signature of its own module.
func (b *builder) merge(same []candidate) entry {
	e := entry{mod: same[0].mod, typ: same[0].typ, skb: same[0].skb, event: same[0].event}
	if e.event {
		return e
	}
	listed := 0
	for _, s := range same {
		if s.listed {
			listed++
			e.mod, e.typ, e.skb = s.mod, 0, -1
		}
	}
	for _, s := range same {
		if listed == 1 && s.typ != 0 && s.mod == e.mod {
			e.typ, e.skb = s.typ, s.skb
		}
	}
	switch {
	case b.c.lacks != "":
		e.can = canNotAnything
	case b.forbid[same[0].name]:
		e.can = canNotForbid
	case listed > 1:
		e.can = canNotTwice
	case listed == 0:
		e.can = canNotListed
	}
	return e
}

// index makes what Search and Count need beside the table.
func (c *Catalog) index() {
	c.folded = strings.ToLower(c.names) // names are ASCII: their places stay
	c.masks = make([]uint64, len(c.entries))
	for i := range c.entries {
		e := &c.entries[i]
		c.masks[i] = letters(c.fold(e))
		switch {
		case e.can != canTrace:
		case e.event:
			c.count.Events++
		default:
			c.count.Functions++
			if e.skb >= 0 {
				c.count.Packet++
			}
		}
	}
}
