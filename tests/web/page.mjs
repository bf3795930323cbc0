// page.mjs URL FOLDER - look at the page of a running line in a real browser, at a phone's width and a wide
// one, in light and dark. Says TAP; screenshots go to FOLDER. tests/web.bats runs it beside a line.

import { chromium } from "playwright-core";

const [url, folder] = process.argv.slice(2);
const sizes = [
	{ name: "360-light", width: 360, height: 740, colorScheme: "light" },
	{ name: "360-dark", width: 360, height: 740, colorScheme: "dark" },
	{ name: "1600-light", width: 1600, height: 1000, colorScheme: "light" },
	{ name: "1600-dark", width: 1600, height: 1000, colorScheme: "dark" },
];
let n = 0, failed = 0;

function check(name, isRight, why = "") {
	n++;
	if (!isRight) failed++;
	console.log(`${isRight ? "ok" : "not ok"} ${n} ${name}${isRight ? "" : ": " + why}`);
}

const number = text => Number(text.replace(/[^0-9.]/g, ""));
const tile = (page, name) => page.locator(`dd[data-name="${name}"]`).innerText();

// Not page.waitForFunction(): the page's policy allows no eval.
async function until(what, isSo) {
	const deadline = Date.now() + 20000;
	while (!await isSo()) {
		if (Date.now() > deadline) throw new Error(`not so after 20 s: ${what}`);
		await new Promise(done => setTimeout(done, 50));
	}
}

async function rises(page, name) {
	const before = number(await tile(page, name));
	await until(`${name} rises`, async () => number(await tile(page, name)) > before);
}

async function look(browser, size) {
	const context = await browser.newContext({
		viewport: { width: size.width, height: size.height }, colorScheme: size.colorScheme,
	});
	const page = await context.newPage();
	const complaints = [], elsewhere = [];

	page.setDefaultTimeout(20000);
	page.on("console", said => {
		if (said.type() === "error" || said.type() === "warning") complaints.push(said.text());
	});
	page.on("pageerror", error => complaints.push(String(error)));
	page.on("request", request => {
		if (!request.url().startsWith(url) && !request.url().startsWith("data:")) elsewhere.push(request.url());
	});
	await page.goto(url);
	await page.locator("#state.running").waitFor();
	await page.locator("#workers tr").nth(2).waitFor();

	await rises(page, "published");
	await rises(page, "acked");
	check(`${size.name}: the numbers rise`, true);

	const stats = await (await page.request.get(url + "stats")).json();
	const shown = number(await tile(page, "dead"));
	check(`${size.name}: it shows the line's numbers`, shown === stats.dead_total,
		`dead ${shown}, expected ${stats.dead_total}`);
	check(`${size.name}: there is a line for each worker`,
		await page.locator("#workers tr").count() === stats.workers.length);
	check(`${size.name}: it shows the dead letter`,
		/\S/.test(await page.locator("#letters td.text").first().innerText()));

	await until("the chart has three points", () => page.evaluate(() => {
		const line = document.querySelector("#rates polyline");
		return line !== null && line.getAttribute("points").split(" ").length >= 3;
	}));
	const bar = () => page.locator("#scale").evaluate(svg => svg.innerHTML);
	const first = await bar();
	await until("the scale moves", async () => await bar() !== first);
	check(`${size.name}: charts fill, the scale moves`, true);

	const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
	check(`${size.name}: nothing sticks out to the side`, overflow <= 0, `${overflow} pixels`);

	await page.locator("#worker-heads button", { hasText: "done" }).focus();
	await page.keyboard.press("Enter");
	check(`${size.name}: the table is sorted by keyboard`,
		await page.locator('th[aria-sort="descending"]').innerText().then(text => text.startsWith("done")));

	const back = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
	const light = back.match(/\d+/g).slice(0, 3).every(part => Number(part) > 128);
	check(`${size.name}: its colours follow the reader's wish`, light === (size.colorScheme === "light"), back);

	await page.screenshot({ path: `${folder}/${size.name}.png`, fullPage: true });
	check(`${size.name}: nothing was asked of anybody else`, elsewhere.length === 0, elsewhere.join(" "));
	check(`${size.name}: the console has no error`, complaints.length === 0, complaints.join(" | "));
	await context.close();
}

const browser = await chromium.launch({
	executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
	args: process.getuid() === 0 ? ["--no-sandbox", "--disable-gpu"] : ["--disable-gpu"],
});
try {
	for (const size of sizes) await look(browser, size);
} catch (error) {
	check("the page is looked at to the end", false, String(error).replace(/\n/g, " "));
}
await browser.close();
console.log(`1..${n}`);
process.exit(failed ? 1 : 0);
