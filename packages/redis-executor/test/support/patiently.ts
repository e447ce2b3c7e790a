const WITH_CALL_OPTIONS: ReadonlySet<string> = new Set(["execute", "executeAll", "register", "report", "leave"]);
const PATIENT = { timeoutMs: 20_000 };

/** The same store, whose calls wait longer than by default where the test doesn't say for how long. */
export function patiently<S extends object>(store: S): S {
  return new Proxy(store, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== "function") return member;
      const takesOptions = WITH_CALL_OPTIONS.has(String(name));
      return (...call: unknown[]): unknown =>
        Reflect.apply(member, target, takesOptions && call.length === 1 ? [...call, PATIENT] : call);
    },
  });
}
