// A CSI client as Go programs are: it calls Identity/Probe over a Unix socket, in one of the two
// ways in which kubelet, the sidecars and csi-sanity name the server, and leaves without goodbye.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"strconv"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
)

const usage = "usage: goclient unix|dialer SOCKET CALLS"

// rawCodec sends bytes as they are, so that no generated code is needed.
type rawCodec struct{}

func (rawCodec) Name() string                        { return "proto" }
func (rawCodec) Marshal(message any) ([]byte, error) { return *message.(*[]byte), nil }
func (rawCodec) Unmarshal(data []byte, message any) error {
	*message.(*[]byte) = bytes.Clone(data)
	return nil
}

// connect dials like the sidecars and csi-sanity ("unix"), or like kubelet ("dialer": the bare path
// is the target, and a function connects).
func connect(way, socket string) (*grpc.ClientConn, error) {
	options := []grpc.DialOption{
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.ForceCodec(rawCodec{})),
	}
	switch way {
	case "unix":
		return grpc.NewClient("unix://"+socket, options...)
	case "dialer":
		dialer := func(ctx context.Context, target string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", target)
		}
		return grpc.NewClient("passthrough:///"+socket, append(options, grpc.WithContextDialer(dialer))...)
	default:
		return nil, fmt.Errorf("unknown way %q; %s", way, usage)
	}
}

func call(connection *grpc.ClientConn, method string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	request, response := []byte{}, []byte{}
	err := connection.Invoke(ctx, method, &request, &response)
	return response, err
}

func run(arguments []string) error {
	if len(arguments) != 3 {
		return fmt.Errorf("%s", usage)
	}
	calls, err := strconv.Atoi(arguments[2])
	if err != nil {
		return err
	}
	connection, err := connect(arguments[0], arguments[1])
	if err != nil {
		return err
	}
	ready := []byte{0x0a, 0x02, 0x08, 0x01}
	started := time.Now()
	for done := 0; done < calls; done++ {
		response, err := call(connection, "/csi.v1.Identity/Probe")
		if err != nil {
			return fmt.Errorf("call %d: %w", done, err)
		}
		if !bytes.Equal(response, ready) {
			return fmt.Errorf("call %d: unexpected response %x", done, response)
		}
	}
	elapsed := time.Since(started)
	_, err = call(connection, "/csi.v1.Controller/GetCapacity")
	return json.NewEncoder(os.Stdout).Encode(map[string]any{
		"calls":                calls,
		"microsecondsPerCall":  elapsed.Microseconds() / int64(max(calls, 1)),
		"unofferedCode":        codes.Code(status.Code(err)).String(),
		"unofferedMessage":     status.Convert(err).Message(),
		"unofferedDetailCount": len(status.Convert(err).Details()),
	})
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
