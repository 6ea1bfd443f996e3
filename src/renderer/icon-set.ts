// The icons that icons.ts names. Empty here: the build puts them in from the installed set (scripts/renderer-build.ts).

export interface IconSet {
  readonly prefix: string
  readonly width: number
  readonly height: number
  readonly icons: Record<string, { body: string }>
}

export const iconSet: IconSet = { prefix: 'lucide', width: 24, height: 24, icons: {} }
