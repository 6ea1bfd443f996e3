// Moves between screens. Only the first start stands before another; nothing else is decided here.
import { createRouter, createWebHashHistory } from 'vue-router'
import { isStartInstead, startPath } from './frame/first-start.ts'
import { routes } from './routes.ts'
import { useSettings } from './stores/settings.ts'

export const router = createRouter({
  history: createWebHashHistory(),
  routes,
  // A part of a screen that the address names comes into view by itself, once it is there.
  scrollBehavior: (to, _from, saved) => saved ?? (to.hash ? false : { top: 0 }),
})

router.beforeEach((to) =>
  isStartInstead(to.path, useSettings().current.isStarted) ? { path: startPath, replace: true } : true,
)
