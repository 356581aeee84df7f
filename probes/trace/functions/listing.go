// SPDX-License-Identifier: Apache-2.0

package functions

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// eachListed visits what available_filter_functions lists: "name", or "name [module]". What it passes is valid during the visit.
func eachListed(r io.Reader, visit func(name, module []byte)) {
	for lines := bufio.NewScanner(r); lines.Scan(); {
		name, module := splitModule(lines.Bytes())
		if plain(name) && !bytes.HasPrefix(name, []byte("__ftrace_invalid_address__")) { // of functions that were dropped by the linker
			visit(name, module)
		}
	}
}

// forbidden reads the names of functions on which the kernel forbids kprobes: "0xffffffff81000000-0xffffffff81000040\tname".
// Nothing is said when they cannot be read: the few that are listed as traceable all the same fail to attach, and are reported then.
func (s *sources) forbidden() map[string]bool {
	dir, err := s.dir(debugFS())
	if err != nil {
		return nil
	}
	text, err := os.ReadFile(filepath.Join(dir, "kprobes/blacklist"))
	if err != nil {
		return nil
	}
	out := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		if fields := strings.Fields(line); len(fields) == 2 {
			out[strings.Clone(fields[1])] = true
		}
	}
	return out
}

// groups finds the group of each tracepoint in the kernel's list of events; where that cannot be read, of those that networking
// people know by heart.
func (s *sources) groups() (map[string]string, error) {
	dir, err := s.dir(traceFS())
	if err != nil {
		return knownGroups(), err
	}
	const list = "available_events"
	text, err := os.ReadFile(filepath.Join(dir, list))
	if err != nil {
		return knownGroups(), fmt.Errorf("read %s of tracefs: %w", list, cause(err))
	}
	out := map[string]string{}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if group, name, ok := strings.Cut(line, ":"); ok && plain([]byte(line)) {
			out[name] = group
		}
	}
	return out, nil
}

// knownGroups are those of the tracepoints in include/trace/events that see packets and sockets.
func knownGroups() map[string]string {
	out := map[string]string{}
	for group, names := range map[string]string{
		"skb": "kfree_skb consume_skb skb_copy_datagram_iovec",
		"net": "net_dev_start_xmit net_dev_xmit net_dev_xmit_timeout net_dev_queue netif_receive_skb netif_rx " +
			"napi_gro_frags_entry napi_gro_receive_entry netif_receive_skb_entry netif_receive_skb_list_entry netif_rx_entry netif_rx_ni_entry " +
			"napi_gro_frags_exit napi_gro_receive_exit netif_receive_skb_exit netif_receive_skb_list_exit netif_rx_exit netif_rx_ni_exit",
		"tcp": "tcp_retransmit_skb tcp_retransmit_synack tcp_send_reset tcp_receive_reset tcp_destroy_sock tcp_rcv_space_adjust tcp_probe " +
			"tcp_bad_csum tcp_cong_state_set tcp_cwnd_reduction_tp",
		"sock":  "sock_rcvqueue_full sock_exceed_buf_limit inet_sock_set_state inet_sk_error_report sock_send_length sock_recv_length sk_data_ready",
		"udp":   "udp_fail_queue_rcv_skb",
		"icmp":  "icmp_send",
		"fib":   "fib_table_lookup",
		"fib6":  "fib6_table_lookup",
		"qdisc": "qdisc_enqueue qdisc_dequeue qdisc_reset qdisc_destroy qdisc_create",
		"napi":  "napi_poll dql_stall_detected",
		"neigh": "neigh_create neigh_update neigh_update_done neigh_timer_handler neigh_event_send_done neigh_event_send_dead neigh_cleanup_and_release",
		"xdp": "xdp_exception xdp_bulk_tx xdp_redirect xdp_redirect_err xdp_redirect_map xdp_redirect_map_err xdp_cpumap_kthread " +
			"xdp_cpumap_enqueue xdp_devmap_xmit",
	} {
		for name := range strings.FieldsSeq(names) {
			out[name] = group
		}
	}
	return out
}
