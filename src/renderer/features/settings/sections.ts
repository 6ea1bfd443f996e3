// The parts of the settings, in order. Each has an address: /settings#storage.
export const sectionIds = [
  'devices',
  'storage',
  'journal',
  'privacy',
  'appearance',
  'language',
  'closing',
  'advanced',
] as const
export type SectionId = (typeof sectionIds)[number]
