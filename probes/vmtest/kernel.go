// SPDX-License-Identifier: Apache-2.0

package vmtest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Kernel is one kernel of the matrix.
type Kernel struct {
	Suite   string // of Debian, whose linux-image-cloud-amd64 it is
	Series  string // that the suite must have
	Between bool   // neither the oldest nor the newest: see Binary.Ends
	Newest  bool   // the suite moves on to newer series: Series is what it had when the expectations were written
}

// Kernels are those of the matrix, oldest first.
func Kernels() []Kernel {
	return []Kernel{
		{Suite: "bullseye", Series: "5.10"},
		{Suite: "bookworm", Series: "6.1", Between: true},
		{Suite: "trixie", Series: "6.12", Between: true},
		{Suite: "sid", Series: "7.2", Newest: true},
	}
}

// CacheEnv names the folder for kernels and logs when it is not to be below the user's cache.
const CacheEnv = "HOOKTOP_KERNELS"

// Cache is the folder that kernels are kept in: outside the tree, for all worktrees.
func Cache() (string, error) {
	if dir := os.Getenv(CacheEnv); dir != "" {
		return filepath.Abs(dir)
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find a folder for kernels: %w: set %s to one", err, CacheEnv)
	}
	return filepath.Join(dir, "hooktop", "kernels"), nil
}

// Image is an unpacked kernel.
type Image struct {
	Kernel
	Dir      string
	Resolved string // package and version, as apt resolved them
	Release  string // as uname -r says: 6.1.0-50-cloud-amd64
	Vmlinuz  string
}

// resolvedFile is in an image's folder and says which package it is.
const resolvedFile = "resolved"

// open reads what the cache has of a kernel.
func (k Kernel) open(cache string) (Image, error) {
	img := Image{Kernel: k, Dir: filepath.Join(cache, k.Suite)}
	text, err := os.ReadFile(filepath.Join(img.Dir, resolvedFile))
	if err != nil {
		return img, fmt.Errorf("open kernel %s: %w", k.Series, err)
	}
	img.Resolved = strings.TrimSpace(string(text))
	// From 7.x on the kernel is in a package of its own, beside its modules.
	if img.Vmlinuz, err = only(img.Dir, "boot/vmlinuz-*", "usr/lib/modules/*/vmlinuz"); err != nil {
		return img, err
	}
	modules, err := only(img.Dir, "lib/modules/*", "usr/lib/modules/*")
	img.Release = filepath.Base(modules)
	return img, err
}

// only is the one path that fits one of the patterns.
func only(dir string, patterns ...string) (string, error) {
	for _, p := range patterns {
		if found, _ := filepath.Glob(filepath.Join(dir, p)); len(found) == 1 { // the pattern is right
			return found[0], nil
		}
	}
	return "", fmt.Errorf("look into %s: none or several of %s: remove the folder to fetch it anew", dir, strings.Join(patterns, ", "))
}

// cpu is QEMU's model for it. QEMU 7.2 gets the flags of cmpxchg16b wrong, over which the allocator of 6.12 stumbles; 7.x
// needs it, for bpf_timer among others.
func (img Image) cpu() string {
	if strings.HasPrefix(img.Release, "5.") || strings.HasPrefix(img.Release, "6.") {
		return "max,-cx16"
	}
	return "max"
}
