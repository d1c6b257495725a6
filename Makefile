# What one does with this repository. Every target installs what it needs first (tools/setup.sh).

SHELL := /bin/bash
export PATH := $(CURDIR)/node_modules/.bin:$(PATH)
export NODE_COMPILE_CACHE ?= $(CURDIR)/.cache/node
export NODE_OPTIONS := --disable-warning=ExperimentalWarning

# Unit tests need nothing; system tests need root, and are run one after another: each has the machine to itself.
UNIT := src test/properties test/simulation test/scenarios tools
SYSTEM := test/oracle test/system

.PHONY: help setup setup-node setup-kernel build demo demo-down lint unit-test system-test kernel-test test truth fuzz bench soak clean

help:
	@echo 'make demo         two hosts, one network, ping: then left up to play with (as root)'
	@echo 'make demo-down    end the demo'
	@echo 'make test         lint, unit-test and system-test (as root)'
	@echo 'make lint         types, style, import rules'
	@echo 'make unit-test    tests that need nothing but Node'
	@echo 'make system-test  tests against Open vSwitch, Docker and real packets (as root)'
	@echo 'make kernel-test  policy on the kernel datapath, in an emulated machine (as root; five minutes)'
	@echo 'make truth        the proofs of policy at full size (as root)'
	@echo 'make fuzz         a million hostile DNS packets, and as many responses'
	@echo 'make bench        benchmarks, as a table with ratios (as root)'
	@echo 'make soak         ten minutes of faults on three hosts, and what is left of the cluster then (as root)'
	@echo 'make build        single-file programs in dist/'
	@echo 'make setup        install what is missing; the others call it'
	@echo 'make clean        remove dist/ and caches'

setup:
	@tools/setup.sh

# Lint, build and unit tests run on any machine with Node.
setup-node:
	@tools/setup.sh node

setup-kernel:
	@tools/setup.sh kernel

build: setup-node
	@node tools/build.ts

demo: setup
	@node tools/demo.ts

demo-down: setup-node
	@bin/netlab down

lint: setup-node
	tsc
	biome check --error-on-warnings
	@node tools/import-rules.ts

unit-test: setup-node
	@node tools/test.ts $(UNIT)

# What labs and tests wait for comes sooner or later; a slow or busy machine is no reason to fail.
system-test: setup
	@NETLAB_PATIENCE=$${NETLAB_PATIENCE:-3} node tools/test.ts --serial $(SYSTEM)

# Emulation makes everything some twenty times slower: the bounds of labs and tests are stretched.
kernel-test: setup-kernel
	@node tools/emulator/main.ts --minutes 15 --env NETLAB_PATIENCE=10 --env NO_COLOR=1 -- \
		sh -c 'modprobe -a openvswitch vport-vxlan && exec node tools/test.ts --serial test/kernel'

# One after another also under make -j: system tests measure time.
test: setup
	@$(MAKE) --no-print-directory lint
	@$(MAKE) --no-print-directory unit-test
	@$(MAKE) --no-print-directory system-test

# Proofs of policy that continuous integration has no time for in full. Simulator, trace and real packets are held to one evaluator.
truth: setup
	@POLICY_SETS=100000 node --test test/properties/policy.test.ts
	@SIMULATION_SEED=$$(date +%s) SIMULATION_RUNS=20000 node --test test/simulation/simulation.test.ts
	@ORACLE_SETS=1000 TRUTH_SETS=100 FIRE_ENDPOINTS=1000 node --test --test-concurrency=1 \
	  test/oracle/policy.test.ts test/system/truth.test.ts test/system/policy-under-fire.test.ts

# What continuous integration does with 20,000.
fuzz: setup-node
	@FUZZ_PACKETS=1000000 node --test src/netnames/hostile.test.ts src/protocols/cni/calls.test.ts

bench: setup
	@node bench/run.ts

# SOAK_MINUTES, and SOAK_SEED to have the same choices again.
soak: setup
	@node test/soak/run.ts

clean:
	rm -rf dist .cache
