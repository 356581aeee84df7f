// SPDX-License-Identifier: Apache-2.0

package procfs

import (
	"bytes"
	"strings"
)

// shortID is the length to which container runtimes shorten their 64 hexadecimal digits.
const shortID = 12

// ContainerID reads the contents of /proc/PID/cgroup (v1: one line a hierarchy, v2: one line) and returns the short ID of
// a Docker, containerd, CRI-O, Podman or Kubernetes container, the name of an LXC or systemd-nspawn one, or "". The
// innermost container wins. Monitors that run on the host beside the container are not in it.
func ContainerID(cgroup []byte) string {
	for line := range bytes.Lines(cgroup) {
		f := bytes.SplitN(bytes.TrimRight(line, "\n"), []byte{':'}, 3) // hierarchy, controllers, path; the path may hold colons
		if len(f) != 3 {
			continue
		}
		if id := containerOf(string(f[2])); id != "" {
			return id
		}
	}
	return ""
}

// containerOf finds the innermost container of one cgroup path.
func containerOf(path string) string {
	id := ""
	parts := strings.Split(path, "/")
	for i, part := range parts {
		before := ""
		if i > 0 {
			before = parts[i-1]
		}
		if c := containerIn(before, part); c != "" {
			id = c
		}
	}
	return id
}

// containerIn reads one component of a cgroup path.
func containerIn(before, part string) string {
	name := strings.TrimSuffix(part, ".scope")
	if strings.Contains(name, "conmon") || strings.HasPrefix(name, "lxc.monitor") {
		return "" // watches the container from outside
	}
	// systemd driver: docker-ID.scope, libpod-ID.scope, crio-ID.scope, cri-containerd-ID.scope;
	// runc under containerd's systemd driver: kubepods-….slice:cri-containerd:ID; cgroupfs driver: …/ID.
	tail := name[strings.LastIndexAny(name, "-:")+1:]
	if hexID(tail) {
		return tail[:shortID]
	}
	if before == "lxc" || before == "lxc.payload" {
		return plain(name)
	}
	if rest, ok := strings.CutPrefix(name, "lxc.payload."); ok {
		return plain(rest)
	}
	if rest, ok := strings.CutPrefix(part, "systemd-nspawn@"); ok {
		return plain(unescape(strings.TrimSuffix(rest, ".service")))
	}
	if rest, ok := strings.CutPrefix(name, "machine-"); ok && name != part {
		rest = unescape(rest)
		if strings.HasPrefix(rest, "qemu-") {
			return "" // libvirt's guests are machines, not containers
		}
		return plain(rest)
	}
	return ""
}

func hexID(s string) bool {
	if len(s) != 64 {
		return false
	}
	for i := range len(s) {
		if c := s[i]; !(c >= '0' && c <= '9' || c >= 'a' && c <= 'f') {
			return false
		}
	}
	return true
}

// plain accepts what a container may be called (a host name, roughly) and nothing else: cgroup names are free text that
// any user with a delegated cgroup can choose.
func plain(s string) string {
	if s == "" || len(s) > 64 {
		return ""
	}
	for i := range len(s) {
		c := s[i]
		if !(c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '-' || c == '_' || c == '.') {
			return ""
		}
	}
	return s
}

// unescape undoes systemd's \x2d in unit names.
func unescape(s string) string { return strings.ReplaceAll(s, `\x2d`, "-") }
