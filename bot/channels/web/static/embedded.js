// Inside another page: take the theme that page asks for, as far as it can be read, and say how high this page is.
const COLOURS = { accent: "--accent", paper: "--paper", ink: "--ink" };
const LEAST = 4.5; // WCAG AA, text of any size
const root = document.documentElement;

// The frame's name holds it for the pages that follow in it: browsers may refuse storage to embedded pages.
function asked() {
  const given = new URLSearchParams(location.hash.slice(1));
  if (given.has("host")) window.name = given;
  return new URLSearchParams(window.name);
}

function luminance(colour) {
  const probe = document.createElement("i");
  probe.style.color = colour;
  document.body.append(probe);
  const parts = getComputedStyle(probe).color.match(/[\d.]+/g).slice(0, 3).map((part) => part / 255);
  probe.remove();
  const [red, green, blue] = parts.map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one, other) {
  const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
}

function now(name) {
  return getComputedStyle(root).getPropertyValue(name).trim();
}

function dress(theme) {
  const scheme = theme.get("scheme");
  if (scheme === "light" || scheme === "dark") root.dataset.scheme = scheme;
  root.style.cssText = "";
  for (const [name, property] of Object.entries(COLOURS)) {
    const colour = theme.get(name);
    if (colour && /^#[0-9a-f]{6}$/i.test(colour)) root.style.setProperty(property, colour);
  }
  root.style.setProperty("--accent-ink", contrast(now("--accent"), "#ffffff") >= LEAST ? "#ffffff" : "#000000");
  const grounds = [now("--paper"), now("--raised")];
  const read = ["--ink", "--accent", "--muted"].every((text) =>
    grounds.every((ground) => contrast(now(text), ground) >= LEAST),
  );
  if (!read || contrast(now("--accent"), now("--accent-ink")) < LEAST) {
    root.style.cssText = "";
    console.warn("The theme was not taken: its text would have less than WCAG AA contrast.");
  }
  const radius = theme.get("radius");
  if (radius && /^\d{1,2}(\.\d+)?(px|rem)$/.test(radius)) root.style.setProperty("--radius", radius);
  const font = theme.get("font");
  if (font && /^[\w\s,'"-]{1,80}$/.test(font)) root.style.setProperty("--font", font);
}

const theme = asked();
dress(theme);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => dress(theme));
const host = theme.get("host");
if (host && parent !== window) {
  const tell = () => parent.postMessage({ triageHeight: Math.ceil(document.body.getBoundingClientRect().height) }, host);
  new ResizeObserver(tell).observe(document.body);
  tell();
}
