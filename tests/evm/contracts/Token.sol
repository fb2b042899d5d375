// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.29;

interface TokenSpender {
    function receiveApproval(address from, uint256 value, address token, bytes calldata data) external;
}

/// RLC for tests: ERC-20 with approveAndCall that refuses in the words of OpenZeppelin 4, as contracts
/// of the time of PoCo 6.1 do.
contract Token {
    event Transfer(address indexed from, address indexed to, uint256 value);
    event Approval(address indexed owner, address indexed spender, uint256 value);

    string public constant name = "RLC (test chain)";
    string public constant symbol = "RLC";
    uint8 public constant decimals = 9;
    uint256 public totalSupply;
    mapping(address => uint256) public balanceOf;
    mapping(address => mapping(address => uint256)) public allowance;

    constructor(address[] memory holders, uint256 each) {
        for (uint256 i = 0; i < holders.length; i++) _mint(holders[i], each);
    }

    function transfer(address to, uint256 value) external returns (bool) {
        _transfer(msg.sender, to, value);
        return true;
    }

    function approve(address spender, uint256 value) external returns (bool) {
        _approve(msg.sender, spender, value);
        emit Approval(msg.sender, spender, value);
        return true;
    }

    function transferFrom(address from, address to, uint256 value) external returns (bool) {
        uint256 has = allowance[from][msg.sender];
        require(has >= value, "ERC20: insufficient allowance");
        if (has != type(uint256).max) _approve(from, msg.sender, has - value);
        _transfer(from, to, value);
        return true;
    }

    function approveAndCall(address spender, uint256 value, bytes calldata data) external returns (bool) {
        _approve(msg.sender, spender, value);
        emit Approval(msg.sender, spender, value);
        TokenSpender(spender).receiveApproval(msg.sender, value, address(this), data);
        return true;
    }

    function increaseAllowance(address spender, uint256 more) external returns (bool) {
        uint256 value = allowance[msg.sender][spender] + more;
        _approve(msg.sender, spender, value);
        emit Approval(msg.sender, spender, value);
        return true;
    }

    function decreaseAllowance(address spender, uint256 less) external returns (bool) {
        uint256 has = allowance[msg.sender][spender];
        require(has >= less, "ERC20: decreased allowance below zero");
        _approve(msg.sender, spender, has - less);
        emit Approval(msg.sender, spender, has - less);
        return true;
    }

    function faucet(uint256 value) external {
        require(value <= 1000000e9, "faucet-limit");
        _mint(msg.sender, value);
    }

    function _mint(address to, uint256 value) private {
        totalSupply += value;
        balanceOf[to] += value;
        emit Transfer(address(0), to, value);
    }

    function _approve(address owner, address spender, uint256 value) private {
        require(owner != address(0), "ERC20: approve from the zero address");
        require(spender != address(0), "ERC20: approve to the zero address");
        allowance[owner][spender] = value;
    }

    function _transfer(address from, address to, uint256 value) private {
        require(from != address(0), "ERC20: transfer from the zero address");
        require(to != address(0), "ERC20: transfer to the zero address");
        require(balanceOf[from] >= value, "ERC20: transfer amount exceeds balance");
        unchecked {
            balanceOf[from] -= value;
        }
        balanceOf[to] += value;
        emit Transfer(from, to, value);
    }
}
