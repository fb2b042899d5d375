// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.29;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

interface TokenSpender {
    function receiveApproval(address from, uint256 value, address token, bytes calldata data) external;
}

/// RLC for tests: ERC-20 of OpenZeppelin 5, as the token on Arbitrum is, with approveAndCall.
contract Token is ERC20 {
    constructor(address[] memory holders, uint256 each) ERC20("RLC (test chain)", "RLC") {
        for (uint256 i = 0; i < holders.length; i++) _mint(holders[i], each);
    }

    function decimals() public pure override returns (uint8) {
        return 9;
    }

    function approveAndCall(address spender, uint256 value, bytes calldata data) external returns (bool) {
        _approve(msg.sender, spender, value);
        TokenSpender(spender).receiveApproval(msg.sender, value, address(this), data);
        return true;
    }

    function increaseAllowance(address spender, uint256 more) external returns (bool) {
        _approve(msg.sender, spender, allowance(msg.sender, spender) + more);
        return true;
    }

    function decreaseAllowance(address spender, uint256 less) external returns (bool) {
        uint256 now_ = allowance(msg.sender, spender);
        if (now_ < less) revert ERC20InsufficientAllowance(spender, now_, less);
        _approve(msg.sender, spender, now_ - less);
        return true;
    }

    function faucet(uint256 value) external {
        require(value <= 1000000e9, "faucet-limit");
        _mint(msg.sender, value);
    }
}
