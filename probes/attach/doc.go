// SPDX-License-Identifier: Apache-2.0

// Package attach decides which devices are watched and by which hook, and puts the pipeline there.
//
// plan.go and mode.go are pure: links, routes and wishes in, choices and reasons out. The rest carries them out:
//
//	Plan     which devices, one attach level per stack, and why the others are left out
//	Choose   native, generic or tc for one device, and why
//	Set      the devices that are watched: slots, attachments, mode changes, self-check, detach
//
// Life of a device: Begin gives it a slot, Ingress and Egress attach (one status line each), Check looks once a second
// whether the kernel still has what was attached, SetMode changes the hook, End detaches. A slot is used again only after
// its flows were forgotten. Nothing foreign is ever replaced or detached.
package attach
