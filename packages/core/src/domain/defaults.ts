/** The defaults with what was given instead. A field that is given as `undefined` was not given. */
export function withDefaults<Values extends object>(
  defaults: Values,
  given: Partial<Values> | null | undefined,
): Values {
  const decided = Object.entries(given ?? {}).filter(([, value]) => value !== undefined)
  return { ...defaults, ...Object.fromEntries(decided) }
}
