/** A call of a method on its way to its object. */
interface InterceptedCall {
  readonly method: string;
  readonly args: readonly unknown[];
  /** Makes the call. @param args instead of those that came. */
  readonly run: (args?: readonly unknown[]) => unknown;
}

/** Carries a call to its object; what it returns is what the caller gets. */
export type Around = (call: InterceptedCall) => unknown;

/**
 * The object with some of its methods called through `around`; all else is the object itself, private fields included.
 * @param names the methods. Absent: all.
 */
export function intercept<T extends object>(target: T, around: Around, names?: readonly string[]): T {
  const methods = new Map<PropertyKey, { readonly real: unknown; readonly seen: unknown }>();
  return new Proxy(target, {
    // The object, not the proxy, is `this` of its getters, setters and methods: private fields are found there alone.
    get(_, name) {
      const real: unknown = Reflect.get(target, name, target);
      if (typeof real !== "function" || name === "constructor") return real;
      const known = methods.get(name);
      if (known?.real === real) return known.seen;
      const call = (args: readonly unknown[]): unknown => Reflect.apply(real, target, args);
      const watched = typeof name === "string" && (names === undefined || names.includes(name));
      const seen = watched
        ? (...args: unknown[]) => around({ method: name, args, run: (others = args) => call(others) })
        : (...args: unknown[]) => call(args);
      methods.set(name, { real, seen });
      return seen;
    },
    set: (_, name, value) => Reflect.set(target, name, value, target),
  });
}

export function isPromise(value: unknown): value is Promise<unknown> {
  return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}
