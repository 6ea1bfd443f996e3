// A name that no project has yet: "Sort texts", then "Sort texts 2".

export function freeName(wanted: string, taken: readonly string[]): string {
  const known = new Set(taken.map((name) => name.toLowerCase()))
  for (let number = 1; ; number++) {
    const name = number === 1 ? wanted : `${wanted} ${number}`
    if (!known.has(name.toLowerCase())) return name
  }
}
