// SPDX-License-Identifier: Apache-2.0

package trace

import (
	"fmt"
	"strings"

	"hooktop/probes/snap"
	"hooktop/probes/trace/functions"
)

// Default is the preset that runs at launch.
const Default = "@default"

// preset is a set of functions with a name. Those that a kernel lacks are left out: kernels inline and rename.
type preset struct {
	name, help string
	functions  string // names, parted by blanks; "": events serve as well
	events     string // tracepoints that come with the functions, and stand alone where no function can be hooked
	twin       string // more tracepoints where no function can be hooked
	rare       bool   // events of few packets: journeys are not followed, so that other packets are not looked at
	states     uint32 // of sock:inet_sock_set_state: see kern.TraceTarget
}

const (
	receiving = "napi_gro_receive netif_receive_skb netif_receive_skb_list_internal __netif_receive_skb __netif_receive_skb_one_core netif_rx __netif_rx enqueue_to_backlog " +
		"ip_rcv ip_rcv_core ip_rcv_finish ip_local_deliver ip_local_deliver_finish ip_protocol_deliver_rcu raw_local_deliver " +
		"tcp_v4_rcv tcp_v4_do_rcv tcp_rcv_established tcp_rcv_state_process tcp_data_queue tcp_queue_rcv " +
		"udp_rcv __udp4_lib_rcv udp_unicast_rcv_skb udp_queue_rcv_skb udp_queue_rcv_one_skb __udp_enqueue_schedule_skb icmp_rcv icmp_echo ping_rcv " +
		"ipv6_rcv ip6_rcv_core ip6_rcv_finish ip6_input ip6_input_finish ip6_protocol_deliver_rcu tcp_v6_rcv tcp_v6_do_rcv udpv6_rcv icmpv6_rcv " +
		"packet_rcv tpacket_rcv sock_queue_rcv_skb_reason __sock_queue_rcv_skb"
	sending = "__tcp_transmit_skb ip_queue_xmit __ip_queue_xmit ip_build_and_send_pkt ip_send_skb udp_send_skb ip_local_out __ip_local_out ip_output ip_finish_output " +
		"__ip_finish_output ip_finish_output2 ip_fragment ip_do_fragment neigh_resolve_output neigh_connected_output " +
		"inet6_csk_xmit ip6_xmit ip6_send_skb udp_v6_send_skb ip6_local_out __ip6_local_out ip6_output ip6_finish_output __ip6_finish_output ip6_finish_output2 " +
		"dev_queue_xmit __dev_queue_xmit sch_direct_xmit validate_xmit_skb skb_segment __skb_gso_segment dev_hard_start_xmit veth_xmit loopback_xmit dev_loopback_xmit packet_snd"
	forwarding = "ip_forward ip_forward_finish ip6_forward ip6_forward_finish ip_mr_forward br_handle_frame br_handle_frame_finish br_pass_frame_up br_forward br_dev_queue_push_xmit " +
		"vxlan_rcv vxlan_xmit udp_tunnel_xmit_skb iptunnel_xmit ip_tunnel_rcv __ip_tunnel_rcv skb_vlan_untag skb_do_redirect __bpf_redirect"
	filtering = "nf_hook_slow nf_conntrack_in nf_confirm ipv4_confirm nf_ct_get_tuple nf_nat_inet_fn nf_nat_ipv4_fn nf_nat_packet nf_nat_manip_pkt nf_ip_checksum " +
		"ipt_do_table ip6t_do_table nft_do_chain_ipv4 nft_do_chain_inet nft_do_chain_netdev nf_reject_ip nf_send_reset nf_send_unreach"
	passing = "net:netif_receive_skb net:netif_rx net:net_dev_queue net:net_dev_start_xmit"
	dying   = "skb:kfree_skb"

	connecting = 1 << 2 // TCP_SYN_SENT (include/net/tcp_states.h): it ends once a connect has come to something
)

func presets() []preset {
	return []preset{
		{Default, "drops, TCP retransmits, resets and connects",
			"tcp_connect tcp_retransmit_skb tcp_reset tcp_v4_send_reset tcp_v6_send_reset tcp_send_active_reset", dying,
			"tcp:tcp_retransmit_skb tcp:tcp_send_reset tcp:tcp_receive_reset sock:inet_sock_set_state", true, connecting},
		{snap.JourneyPreset, "the whole way of a packet: received, forwarded, sent, dropped", receiving + " " + forwarding + " " + sending, dying, passing + " tcp:tcp_probe skb:consume_skb", false, 0},
		{"@receive", "the way from the device to the socket", receiving, dying, "net:netif_receive_skb net:netif_rx tcp:tcp_probe skb:consume_skb", false, 0},
		{"@send", "the way from the socket to the device", sending, dying, "net:net_dev_queue net:net_dev_start_xmit skb:consume_skb", false, 0},
		{"@connect", "TCP connections: opened, accepted, refused, reset",
			"tcp_v4_connect tcp_v6_connect tcp_connect tcp_conn_request tcp_rcv_synsent_state_process tcp_check_req tcp_v4_syn_recv_sock tcp_v6_syn_recv_sock " +
				"tcp_finish_connect tcp_retransmit_skb tcp_reset tcp_v4_send_reset tcp_v6_send_reset tcp_send_active_reset", "",
			"sock:inet_sock_set_state tcp:tcp_retransmit_skb tcp:tcp_retransmit_synack tcp:tcp_send_reset tcp:tcp_receive_reset", true, 0},
		{"@drops", "packets that die, and where, and why", "", dying, "", true, 0},
		{"@forward", "packets that pass through this host", forwarding + " ip_rcv ip_rcv_finish ip_output ip_finish_output ip_finish_output2 ipv6_rcv ip6_output ip6_finish_output2 " +
			"__dev_queue_xmit dev_hard_start_xmit", dying, passing + " skb:consume_skb", false, 0},
		{"@netfilter", "hooks, connection tracking, NAT and rules", filtering, dying, passing, false, 0},
	}
}

func findPreset(name string) (preset, error) {
	var names []string
	for _, p := range presets() {
		if p.name == name {
			return p, nil
		}
		names = append(names, p.name)
	}
	return preset{}, fmt.Errorf("trace %s: there is no such preset: there are %s", name, strings.Join(names, ", "))
}

// Presets lists them for the screen. lacks says why functions cannot be hooked, "" when they can.
func Presets(lacks string) []snap.TracePreset {
	var out []snap.TracePreset
	for _, p := range presets() {
		shown := snap.TracePreset{Name: p.name, Help: p.help}
		if lacks != "" && p.functions != "" {
			shown.Why = "by tracepoints: " + lacks
		}
		out = append(out, shown)
	}
	return out
}

// pick finds which of a preset's functions and events this kernel has.
func (p *preset) pick(cat *functions.Catalog, max int) ([]functions.Function, error) {
	names := strings.Fields(p.events)
	if cat.Lacks() != "" {
		names = append(names, strings.Fields(p.twin)...)
	} else {
		names = append(strings.Fields(p.functions), names...)
	}
	var out []functions.Function
	for _, name := range names {
		found, err := cat.Match(name, 1)
		if err != nil || !strings.Contains(name, ":") && found[0].Event {
			continue // this kernel has it not, or under another name
		}
		if len(out) < max {
			out = append(out, found...)
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("trace %s: this kernel has none of its functions and tracepoints", p.name)
	}
	return out, nil
}
