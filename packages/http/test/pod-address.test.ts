import { describe, expect, test } from "vitest";
import { endpointOf } from "../src/pod-address.ts";

describe("the endpoint of a registered address", () => {
  test.each([
    ["10.0.0.1", 8080, "10.0.0.1", "10.0.0.1:8080"],
    ["10.0.0.1", 80, "10.0.0.1", "10.0.0.1"],
    ["10.0.0.1", 443, "10.0.0.1", "10.0.0.1:443"],
    ["0x0A000001", 80, "10.0.0.1", "10.0.0.1"],
    ["Pod-3.Rooms.example", 80, "pod-3.rooms.example", "pod-3.rooms.example"],
    ["Pod-3.Rooms.example", 8080, "pod-3.rooms.example", "pod-3.rooms.example:8080"],
    ["pod_3", 8080, "pod_3", "pod_3:8080"],
    ["::1", 80, "::1", "[::1]"],
    ["FD00:0:0:0:0:0:0:1", 8080, "fd00::1", "[fd00::1]:8080"],
  ])("%s with port %i is connected to as %s and named %s", (host, httpPort, connected, authority) => {
    expect(endpointOf({ host, httpPort })).toEqual({ host: connected, port: httpPort, authority });
  });

  test.each([
    ["169.254.169.254", "as it is"],
    ["169.254.169.254.", "with a dot behind"],
    ["0xA9FEA9FE", "as one hexadecimal number"],
    ["2852039166", "as one decimal number"],
    ["025177524776", "as one octal number"],
    ["169.254.43518", "with its end as one number"],
    ["0251.0376.0251.0376", "in octal"],
    ["0xa9.0xfe.0xa9.0xfe", "in hexadecimal"],
    ["::ffff:169.254.169.254", "mapped to IPv6"],
    ["::ffff:a9fe:a9fe", "mapped to IPv6, in hexadecimal"],
    ["0:0:0:0:0:FFFF:A9FE:A9FE", "mapped to IPv6, at length"],
    ["fe80::1", "the link-local ones of IPv6"],
    ["fe80:0:0:0:0:0:0:1", "those at length"],
    ["FEBF:FFFF:0:0:0:0:0:1", "the last of those, in capitals"],
    ["fd00:ec2::254", "that of secrets in IPv6"],
    ["FD00:0EC2:0:0:0:0:0:0254", "that at length, in capitals"],
  ])("%s is refused: link-local or where secrets are, %s", (host) => {
    expect(() => endpointOf({ host, httpPort: 80 })).toThrow(
      expect.objectContaining({ code: "POD_UNAVAILABLE", message: expect.stringContaining("link-local") }),
    );
  });

  test.each([
    "a:b",
    "a:80",
    ":",
    "[::1]",
    "1:2",
    "999.1.1.1",
    "a/b",
    "a@b",
    "a?b",
    "a#b",
    "a\\b",
    "a b",
    "a\tb",
    "a\n",
    "a%2eb",
    "",
  ])("%j is refused: no address", (host) => {
    expect(() => endpointOf({ host, httpPort: 80 })).toThrow(
      expect.objectContaining({ code: "POD_UNAVAILABLE", retryable: false, outcome: "not-applied" }),
    );
  });

  test("whether it is allowed is asked of the address that would be connected to", () => {
    const asked: unknown[] = [];
    const allow = (address: unknown): boolean => asked.push(address) === 0;
    expect(() => endpointOf({ host: "0x0A000001", httpPort: 80, grpcPort: 81 }, allow)).toThrow(
      expect.objectContaining({ code: "POD_UNAVAILABLE" }),
    );
    expect(asked).toEqual([{ host: "10.0.0.1", httpPort: 80, grpcPort: 81 }]);
  });
});
