// SPDX-License-Identifier: Apache-2.0

package vmtest

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
)

// initramfs writes all that a guest has: init and its script, modules of its kernel, the binaries where their packages
// are in the tree with the files that they read, and the tools.
func initramfs(file string, img Image, root, built string, suite []Binary) error {
	f, err := os.Create(file)
	if err != nil {
		return fmt.Errorf("make initramfs: %w", err)
	}
	defer f.Close()
	w := bufio.NewWriterSize(f, 1<<20)
	a := newArchive(w)
	a.device("dev/console", 5, 1)
	a.device("dev/null", 1, 3)
	a.copy("init", modeExec, filepath.Join(built, initName))
	a.file("etc/passwd", modeFile, []byte("root:x:0:0:root:/root:/bin/sh\n"))
	var script Script
	mods, err := img.modules(modules())
	if err != nil {
		return err
	}
	for _, m := range mods {
		name := "modules/" + m.name + ".ko"
		a.file(name, modeFile, m.data)
		script.Modules = append(script.Modules, "/"+name)
	}
	for _, b := range suite {
		a.copy(path.Join(treeDir, b.Package, b.file()), modeExec, filepath.Join(built, b.file()))
		for _, name := range b.Files {
			a.tree(path.Join(treeDir, name), filepath.Join(root, name))
		}
		script.Runs = append(script.Runs, b.run(img.Kernel))
	}
	if err := a.tools(Tools()); err != nil {
		return err
	}
	text, err := json.Marshal(script)
	if err != nil {
		return fmt.Errorf("write script: %w", err)
	}
	a.file(strings.TrimPrefix(ScriptPath, "/"), modeFile, text)
	if err := a.close(); err != nil {
		return err
	}
	return w.Flush()
}

// tree takes a file, or a folder's files.
func (a *archive) tree(name, from string) {
	entries, err := os.ReadDir(from)
	if err != nil { // a file, or nothing: copy says which
		a.copy(name, modeFile, from)
		return
	}
	for _, e := range entries {
		a.tree(path.Join(name, e.Name()), filepath.Join(from, e.Name()))
	}
}

// tools takes programs of the host and the libraries that ldd names for them.
func (a *archive) tools(names []string) error {
	have := map[string]bool{}
	for _, name := range names {
		file, err := exec.LookPath(name)
		if err != nil {
			return fmt.Errorf("find %s for the guest: %w: install the packages that make tools lists", name, err)
		}
		a.copy(strings.TrimPrefix(path.Join(GuestPath, name), "/"), modeExec, file)
		out, err := exec.Command("ldd", file).CombinedOutput()
		if err != nil && !strings.Contains(string(out), "not a dynamic executable") {
			return fmt.Errorf("list libraries of %s: %w: %s", file, err, out)
		}
		for word := range strings.FieldsSeq(string(out)) {
			if strings.HasPrefix(word, "/") && !have[word] {
				have[word] = true
				a.copy(strings.TrimPrefix(word, "/"), modeExec, word)
			}
		}
	}
	return nil
}
