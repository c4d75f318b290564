# SPDX-License-Identifier: GPL-2.0-only
# The kernel's build reads Kbuild; this file is for people. 'make help' tells.

release ?= $(shell uname -r)
KDIR ?= /lib/modules/$(release)/build
kbuild = $(MAKE) -C $(KDIR) M=$(CURDIR)
modprobe_d = $(INSTALL_MOD_PATH)/etc/modprobe.d

.PHONY: modules install uninstall clean demo check lint kunit scenarios soak fuzz storm \
	bench times results help headers

modules: headers
	+@$(kbuild) modules

headers:
	@command -v "$(firstword $(CC))" >/dev/null || { \
		echo 'sbp2x: no C compiler ($(firstword $(CC))): install the package gcc' >&2; exit 1; }
	@test -e "$(KDIR)/Makefile" -a -e "$(KDIR)/include/config/auto.conf" || { \
		echo 'sbp2x: no kernel headers in $(KDIR): install the package linux-headers-$(release) (kernel-devel on Fedora), or name the headers of another kernel with KDIR=; "make demo" and "make check" need none' >&2; \
		exit 1; }

install: modules
	@test -n "$(INSTALL_MOD_PATH)" -o "$$(id -u)" = 0 || { \
		echo 'sbp2x: only root can install a module: sudo make install' >&2; exit 1; }
	+@$(kbuild) modules_install
	@PATH=$$PATH:/sbin:/usr/sbin; \
		depmod $(if $(INSTALL_MOD_PATH),-b $(INSTALL_MOD_PATH)) "$$(cat $(KDIR)/include/config/kernel.release)"
	@install -D -m 644 tools/modprobe.d/sbp2x.conf $(modprobe_d)/sbp2x.conf
	@echo 'Installed. Load it, with all FireWire disks unplugged: modprobe -r firewire-sbp2; modprobe sbp2x'

uninstall:
	@rel=$$(cat $(KDIR)/include/config/kernel.release 2>/dev/null || echo $(release)); \
		find $(INSTALL_MOD_PATH)/lib/modules/$$rel/updates $(INSTALL_MOD_PATH)/lib/modules/$$rel/extra \
			-name 'sbp2x.ko*' -delete 2>/dev/null; \
		PATH=$$PATH:/sbin:/usr/sbin depmod $(if $(INSTALL_MOD_PATH),-b $(INSTALL_MOD_PATH)) $$rel
	@rm -f $(modprobe_d)/sbp2x.conf

# What the kernel's build leaves, without asking the kernel's build: it may be
# gone by now
clean:
	@find . -path ./.git -prune -o -type f \( -name '*.o' -o -name '*.ko' \
		-o -name '*.mod' -o -name '*.mod.c' -o -name '.*.cmd' -o -name '.*.d' \
		-o -name '*.o.d' -o -name '.module-common.o' -o -name modules.order \
		-o -name Module.symvers -o -name '*.gcno' \) -exec rm -f {} +
	@rm -rf .tmp_versions

demo:
	@tools/demo

check:
	@tools/check

lint:
	@tools/lint

kunit:
	@tools/kunit

scenarios:
	@qemu/scenario

results:
	@qemu/scenario --results Documentation/results.rst

SEED ?= 1
FIRST ?= 0
soak:
	@tools/soak --rounds $(or $(N),200) --seed $(SEED) --first $(FIRST)

# With DRIVER= that one alone, and judged
fuzz:
	@tools/fuzz --rounds $(or $(N),300) --seed $(SEED) --first $(FIRST) \
		$(if $(DRIVER),--driver $(DRIVER),--beside firewire-sbp2)

RESETS ?= 1000
storm:
	@qemu/scenario storm RESETS=$(RESETS)

bench:
	@tools/bench

times:
	@tools/times

help:
	@echo 'make              the module for the running kernel (KDIR= for another)'
	@echo 'make install      install it, and keep firewire-sbp2 away from its devices'
	@echo 'make uninstall    take both back'
	@echo 'make demo         see it serve a FireWire disk in a virtual machine'
	@echo 'make check        all tests: lint, kunit, models, scenarios, soak, fuzz'
	@echo 'make lint         checkpatch, sparse, gcc, clang, shellcheck, mypy'
	@echo 'make kunit        unit tests on a kernel with KASAN and lockdep'
	@echo 'make scenarios    both drivers, several kernels, in the virtual lab'
	@echo 'make results      the same, and write Documentation/results.rst'
	@echo 'make soak         200 rounds of login, I/O and forced teardown (N=10000)'
	@echo 'make fuzz         300 targets with malformed ROMs, responses and statuses (N=10000)'
	@echo 'make storm        $(RESETS) bus resets, 100 ms apart, while data is written (RESETS=)'
	@echo 'make bench        both drivers side by side: speed'
	@echo 'make times        the same: from bus reset to I/O, from plug to disk'
	@echo 'make clean        remove what the build left'
