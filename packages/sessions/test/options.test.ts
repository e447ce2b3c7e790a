import { describe, expect, test } from "vitest";
import * as api from "../src/index.ts";
import { createSessions } from "../src/index.ts";
import { parseSettings } from "../src/options.ts";
import { FakePod } from "./fake-pod.ts";

const load = (): number => 0;

describe("options", () => {
  test("have the defaults that are written down", () => {
    expect(parseSettings({})).toEqual({
      idleMs: 1_800_000,
      sweepMs: 60_000,
      releaseGraceMs: 0,
      maxQueued: 256,
      waitMs: 10_000,
      loadTimeoutMs: 5000,
      saveTimeoutMs: 5000,
      maxClaims: 3,
    });
    expect(parseSettings({ idleMs: 45 }).sweepMs).toBe(5);
    expect(parseSettings({ idleMs: 45, sweepMs: 7 }).sweepMs).toBe(7);
  });

  test("fault 23: an unknown one is refused, none is ignored", () => {
    const options = { load, idleTimeoutMs: 5 };
    expect(() => createSessions(new FakePod(), options)).toThrow(
      expect.objectContaining({ code: "CONFIG", message: expect.stringContaining("sessions.idleTimeoutMs") }),
    );
  });

  test.each([{ idleMs: 0 }, { maxQueued: -1 }, { waitMs: 1.5 }, { maxClaims: Number.NaN }])(
    "out of bounds are refused with name and value: %o",
    (settings) => {
      const [name] = Object.keys(settings);
      expect(() => createSessions(new FakePod(), { load, ...settings })).toThrow(
        expect.objectContaining({ code: "CONFIG", message: expect.stringContaining(`sessions.${name}`) }),
      );
    },
  );

  test.each([{ load: "soon" }, { load, save: 5 }, { load, isBusy: {} }, {}])("hooks are functions: %o", (hooks) => {
    expect(() => createSessions(new FakePod(), hooks as never)).toThrow(expect.objectContaining({ code: "CONFIG" }));
  });

  test("save is not needed", async () => {
    const pod = new FakePod();
    const sessions = createSessions(pod, { load: () => ({ count: 1 }) });
    expect(await sessions.use("alice", (state) => ++state.count)).toBe(2);
    await pod.handOff("alice");
    await sessions.close();
  });
});

test("exports", () => {
  expect(Object.keys(api).toSorted()).toEqual(["FenceRefused", "createSessions", "sessionSettings"]);
});
