// SPDX-License-Identifier: Apache-2.0

// Package vmtest runs the tree's own test binaries on real kernels: the cloud kernels of four Debian releases under QEMU,
// without KVM.
//
// Words: a Kernel is a series that one release has; a Binary is a package whose tests run in a guest; a Guest is one boot
// of one kernel, for all binaries.
//
// Way: Fetch brings a kernel into the cache, by an apt state of its own → Build makes the binaries, once for all kernels →
// Boot writes an archive of init, modules, tools and binaries, starts QEMU on it and reads what init tells of each
// binary. Imported by tests only.
package vmtest
