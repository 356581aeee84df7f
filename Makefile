# SPDX-License-Identifier: Apache-2.0
#
#   make run     build and open the dashboard on a small network of its own (root)
#   make test    everything that CI runs (root)

GO_NEEDED := $(shell awk '$$1 == "go" { print $$2 }' go.mod)
# The first Go that is new enough: PATH may lack /usr/local/go/bin, and Debian 12's own is 1.19.
GO := $(shell for g in go /usr/local/go/bin/go; do \
	have=$$(GOTOOLCHAIN=local $$g env GOVERSION 2>/dev/null | sed 's/^go//;s/[^0-9.].*//'); [ -n "$$have" ] || continue; \
	[ "$$(printf '%s\n%s\n' $(GO_NEEDED) $$have | sort -V | head -n 1)" = "$(GO_NEEDED)" ] && { command -v $$g; break; }; done)
export PATH := $(if $(GO),$(dir $(GO)):)$(PATH):/usr/sbin:/sbin

# What `make test` needs beyond Go: the compiler of the BPF objects, the tools that tests compare with.
APT := clang-14 llvm-14 libc6-dev bpftool iproute2 nftables tshark openssh-server openssh-client tmux
# The guests of the kernel matrix, and what unpacks their modules.
APT += qemu-system-x86 xz-utils
# What `make bench` compares with.
PEERS := iproute2 nftables iptables ipset conntrack xdp-tools htop btop tcpdump qemu-system-x86 xz-utils
NEEDS = $(APT)

# An unreadable or foreign .git must not stop a build: the version is then the module's.
VCS := $(shell git rev-parse HEAD >/dev/null 2>&1 && echo auto || echo false)
BUILD := CGO_ENABLED=0 $(GO) build -trimpath -buildvcs=$(VCS) -ldflags '-s -w'
# A count, not a time: at the end of a time the fuzzer itself sometimes fails with "context deadline exceeded".
FUZZTIME ?= 10000x
RACE := ./ui/... ./themes/... ./probes ./probes/snap ./probes/flows ./probes/names ./probes/owner ./probes/wayin ./netcfg/nl ./netcfg/enforce
# Sweeps over sizes and random input are single-threaded: the race detector only makes them slow.
RACE_SKIP := Size|Sweep|Fits|Golden|Random|Profiles|Strangers|Hostile|Fuzz

.PHONY: build run test test-vm bench screenshot generate generate-check lint fuzz race unit test-faults test-chain test-tunnel fuzz-acl fuzz-tunnel docs clean help go-check tools

help:
	@sed -n 's/^#   //p' Makefile
	@echo 'more targets: build test-vm bench screenshot generate generate-check lint fuzz race unit test-faults test-chain test-tunnel fuzz-acl fuzz-tunnel docs clean'

build: go-check
	$(BUILD) -o hooktop .

run: build
	@[ "$$(id -u)" = 0 ] || { echo 'make run: the lab makes network namespaces: run it as root (sudo make run)' >&2; exit 1; }
	./hooktop lab --policy testdata/lab.policy --lease 60s

# The last step is go test over the whole tree, so that its closing lines end the output.
test: tools lint generate-check build fuzz race test-vm unit

# Packages one after another: tests that compare the kernel's lists of programs before and after must not meet.
unit: go-check
	$(GO) test -count=1 -p 1 -timeout 9m ./...

# The same tests on four Debian kernels in QEMU, without KVM. Kernels are fetched once, into $$HOOKTOP_KERNELS or the user's
# cache; one kernel: make test-vm KERNEL=6.1; some packages: make test-vm PACKAGES=bpf/kern,netcfg/nl
KERNEL ?= .*
PACKAGES ?=
test-vm: tools
	$(GO) test -tags vm -v -count=1 -run '^TestMatrix$$/^linux$$/^$(KERNEL)$$' -timeout 75m ./probes/vmtest -args -packages '$(PACKAGES)'

race: go-check
	CC=clang-14 CGO_ENABLED=1 $(GO) test -race -short -count=1 -p 2 -timeout 9m -skip '$(RACE_SKIP)' $(RACE)

fuzz: go-check
	@$(GO) list -f '{{.ImportPath}} {{.Dir}} {{join .TestGoFiles " "}} {{join .XTestGoFiles " "}}' ./... | while read -r pkg dir files; do \
		for target in $$(cd "$$dir" && cat /dev/null $$files | sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\)(.*/\1/p'); do \
			$(GO) test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 100x "$$pkg" </dev/null || exit 1; \
		done; \
	done

lint: go-check
	@bad=$$(find . -name '*.go' -not -path './.*' -exec gofmt -l {} +); [ -z "$$bad" ] || { echo "gofmt: $$bad" >&2; exit 1; }
	$(GO) vet ./...
	$(GO) vet -tags bench ./probes/bench
	$(GO) vet -tags vm ./probes/vmtest

generate: go-check
	$(GO) generate ./...

# Regenerates a copy of the tree and compares byte for byte.
generate-check: go-check
	@tmp=$$(mktemp -d) && trap 'rm -rf "$$tmp"' EXIT && \
	tar -c --exclude=./.git --exclude=./hooktop --exclude=./.cache . | tar -x -C "$$tmp" && \
	find "$$tmp" -name '*_bpfel.*' -delete && \
	(cd "$$tmp" && $(GO) generate ./... >"$$tmp/.generate.log" 2>&1 || { cat "$$tmp/.generate.log" >&2; exit 1; }) && \
	diff -rq bpf "$$tmp/bpf" && echo 'generated files are the committed ones, byte for byte'

# All goals, some 25 minutes, and README's performance section from them; one or two: make bench GOALS=S9,S10, which only prints and
# writes bench-report.*, or with KEEP=1 takes their places in README as well. What can't be measured is reported and does not end it.
KEEP ?= $(if $(GOALS),,1)
bench: NEEDS = $(PEERS)
bench: tools
	@status=0; \
	$(GO) test -tags bench -v -count=1 -run '^TestReport$$' -timeout 90m ./probes/bench -args -report $(CURDIR)/bench-report -goals "$(GOALS)" \
		-keep "$(if $(KEEP),$(CURDIR)/testdata/bench)" || status=$$?; \
	[ -z "$(KEEP)" ] || HOOKTOP_WRITE_DOCS=1 $(GO) test -count=1 -run '^TestReadmeTellsWhatWasMeasured$$' . || status=$$?; \
	exit $$status

# Kernel against oracle on PAIRS packets of random policies, broken compilers, and 10,000 commits while packets flow. It
# prints its seed; make fuzz-acl SEED=… does the same again.
PAIRS ?= 1000000
SEED ?= $(shell date +%s)
fuzz-acl: tools
	$(GO) test -count=1 -v -timeout 60m -run '^(TestKernelDecidesAsTheOracle|TestMutantsOfTheCompilerAreCaught|TestNoPacketSeesHalfAPolicy|TestATornPolicyIsSeen)$$' ./bpf/kern -args -pairs $(PAIRS) -seed $(SEED) -commits 10000

# The tunnel stage against the reference dissector, over a million mutated frames.
TUNNELS ?= 1000000
fuzz-tunnel: go-check
	$(GO) test -count=1 -v -timeout 60m -run '^TestTunnel(Cuts|Mutations|PoliciesAtRandom)$$' ./bpf/kern -args -tunnels $(TUNNELS) -seed $(SEED)

# Transfers of 100 MB through the kernel's tunnel devices, UDP and TCP, unwrapped on each hook, and devices that are not allowed.
test-tunnel: go-check
	HOOKTOP_ROUNDS=20000 $(GO) test -count=1 -v -timeout 20m -run '^(TestVXLAN|TestOtherTunnelDevices|TestWhatIsUnwrapped)' ./bpf/kern

# Faults at full counts instead of CI's few, held against their limits: 500 cuts of a real sshd, 200 stops and kills in the window,
# 10,000 warnings against verdicts, each call of a change failing, 1,000 races of writers, a million sequences of events, kills and
# exits at any instant.
FAULTS = HOOKTOP_ROUNDS=$(1) $(GO) test -count=1 -v -timeout 60m -run '^($(2))$$' $(3)
test-faults: go-check
	$(call FAULTS,500,TestLeaseSavesTheSession,./netcfg/enforce)
	$(call FAULTS,200,TestTheProcessMayStopOrDieInTheWindow,./netcfg/enforce)
	$(call FAULTS,20,TestTheGuardKeepsTheWayIn|TestEveryCallOfAChangeMayFail,./netcfg/enforce)
	$(call FAULTS,10000,TestNoCutOfAWayInIsMissed,./netcfg/enforce)
	$(call FAULTS,1000,TestOneOfManyChangesCounts|TestExactlyOneOfManyTakesThePen,./netcfg/enforce ./probes/guard)
	$(call FAULTS,1000000,TestMachineAgreesWithItsTwin,./netcfg/enforce)
	$(call FAULTS,20,TestTheCommandOnTheScreenEndsAll|TestALeaseEndsWhileTheTerminalIsBlocked,.)
	HOOKTOP_ROUNDS=200 $(GO) test -count=1 -p 1 -timeout 60m -run 'Kill|Exit|Leftover' . ./probes/...
	HOOKTOP_ROUNDS=200 $(GO) test -count=1 -timeout 60m -run 'ByAccident' ./ui

# Chains at full counts, held against their limits: 10,000 connections through the firewall in each mode, 1,000 flaps of its link, 10,000
# rules that come and go beside foreign ones, a million marks and as many forged notes, 1,000 kills, 5,000 rounds of drift and repair against
# the twin.
test-chain: go-check
	$(call FAULTS,10000,TestChainTakesEachPacketThroughTheFirewallOnce,./netcfg/enforce)
	$(call FAULTS,1000,TestDriftAndFlaps|TestServiceThatIsAway,./netcfg/enforce)
	$(call FAULTS,120,TestEachDriftIsShownAndRepaired,./netcfg/enforce)
	$(call FAULTS,1000,TestKillWhileSteeringLeavesNothing,./netcfg/steer)
	$(call FAULTS,10000,TestRemoveSteeringTakesOursOnly,./netcfg/nl)
	$(call FAULTS,500000,TestMarksTouchOwnBitsOnly,./bpf/kern)
	$(call FAULTS,1000000,TestForgedMetadataMakesNoMark,./bpf/kern)
	$(call FAULTS,5000,TestDriftAgreesWithItsTwin,./netcfg/steer)

# README's picture, from the real program on the lab.
screenshot: build
	$(GO) test -tags screenshot -count=1 -run '^TestScreenshot$$' .

# README's key table, from the bindings.
docs: go-check
	HOOKTOP_WRITE_DOCS=1 $(GO) test -count=1 -run '^TestReadme' .

clean:
	rm -rf hooktop .cache

go-check:
	@[ -n "$(GO)" ] || { echo "make: Go $(GO_NEEDED) or newer is needed, found $$(go env GOVERSION 2>/dev/null || echo none) (Debian 12's own is 1.19): install it from https://go.dev/dl to /usr/local/go; make looks there when PATH does not" >&2; exit 1; }

# Lists what is missing of NEEDS, and installs it when it may.
tools: go-check
	@missing=; for p in $(NEEDS); do dpkg-query -W -f='$${Status}' $$p 2>/dev/null | grep -q 'install ok installed' || missing="$$missing $$p"; done; \
	[ -n "$$missing" ] || exit 0; \
	command -v apt-get >/dev/null || { echo "make: missing:$$missing (names of Debian 12 packages; apt-get is not here to install them)" >&2; exit 1; }; \
	[ "$$(id -u)" = 0 ] || { echo "make: missing packages:$$missing: run apt-get install$$missing as root, or run make as root" >&2; exit 1; }; \
	echo "make: installing with apt:$$missing"; \
	apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $$missing
