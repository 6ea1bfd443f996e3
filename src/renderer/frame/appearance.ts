// Light or dark: what the settings say, or what the system says. Sets one class on the page. And whether the system asks
// for little motion, which the styles heed by themselves.
import { computed, type Ref, shallowRef, watchEffect } from 'vue'
import { useSettings } from '../stores/settings.ts'

/** As it is now, and as it changes while the page is open. */
function systemWants(query: string): Readonly<Ref<boolean>> {
  const media = window.matchMedia(query)
  const wants = shallowRef(media.matches)
  media.addEventListener('change', ({ matches }) => {
    wants.value = matches
  })
  return wants
}
const systemIsDark = systemWants('(prefers-color-scheme: dark)')
export const wantsLittleMotion = systemWants('(prefers-reduced-motion: reduce)')

/** Whether the page is dark now; charts follow it. */
export const isDark = computed(() => {
  const { theme } = useSettings().current
  return theme === 'system' ? systemIsDark.value : theme === 'dark'
})

export function followAppearance(): void {
  watchEffect(() => {
    document.documentElement.classList.toggle('dark', isDark.value)
    document.documentElement.classList.toggle('light', !isDark.value)
  })
}
